using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Sync.Replication.Source;

/// <summary>How safe a write shall be (record.proto, WriteLevel).</summary>
internal enum SafetyLevel
{
    /// <summary>The class's own: one other region where the slot is held in two or more, else two zones.</summary>
    Default,

    /// <summary>The home's commit is all.</summary>
    Local,

    /// <summary>Two zones of the home's region.</summary>
    Zone,

    /// <summary>As many other regions as were named.</summary>
    Any,

    /// <summary>Every region that holds the slot.</summary>
    Each,
}

/// <summary>What a write must reach. Made once for a write; the same values are waited for.</summary>
/// <param name="Zone">A second zone of the home's region.</param>
/// <param name="Regions">So many other regions.</param>
internal readonly record struct Demand(bool Zone, int Regions)
{
    public bool IsNothing => !Zone && Regions == 0;
}

/// <summary>A slot's other replicas as they count for a level.</summary>
internal sealed class ReplicaSet
{
    private ReplicaSet(IReadOnlyList<SyncNode> zone, IReadOnlyList<SyncNode> remote)
    {
        (Zone, Remote) = (zone, remote);
        Regions = [.. remote.Select(n => n.Region).Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>In other zones of the home's region.</summary>
    public IReadOnlyList<SyncNode> Zone { get; }

    /// <summary>In other regions.</summary>
    public IReadOnlyList<SyncNode> Remote { get; }

    /// <summary>The other regions, in ordinal order.</summary>
    public IReadOnlyList<string> Regions { get; }

    public static ReplicaSet Of(Topology topology, ClassId recordClass, SlotId slot)
    {
        var replicas = topology.MapOf(recordClass).Replicas(slot);
        var home = topology[replicas[0]];
        List<SyncNode> zone = [], remote = [];
        foreach (var id in replicas[1..])
        {
            var node = topology[id];
            if (node.Region != home.Region)
                remote.Add(node);
            else if (node.Zone != home.Zone)
                zone.Add(node);
        }
        return new ReplicaSet(zone, remote);
    }

    /// <summary>What a level asks of these replicas; null: they cannot meet it, however long one waits.</summary>
    public Demand? Ask(SafetyLevel level, int otherRegions)
    {
        var demand = level switch
        {
            SafetyLevel.Local => default,
            SafetyLevel.Zone => new Demand(true, 0),
            SafetyLevel.Any => new Demand(false, Math.Max(1, otherRegions)),
            SafetyLevel.Each => new Demand(false, Regions.Count),
            _ => Regions.Count > 0 ? new Demand(false, 1) : new Demand(true, 0),
        };
        return demand.Regions > Regions.Count || (demand.Zone && Zone.Count == 0) ? null : demand;
    }
}
