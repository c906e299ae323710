using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using WriteLevel = Lepton.Sync.V1.WriteLevel;

namespace Lepton.Sync.Homes;

/// <summary>What a write waits for.</summary>
internal static class Levels
{
    /// <summary>The class's own where none was named: ANY_1 where it is held in two regions or more, else ZONE.</summary>
    public static (WriteLevel Level, int OtherRegions) Resolve(LevelWish wish, RecordClass recordClass) =>
        wish.Level != WriteLevel.Unspecified ? (wish.Level, Math.Max(1, wish.OtherRegions))
            : recordClass.CopyRegions > 1 ? (WriteLevel.Any, 1)
            : (WriteLevel.Zone, 0);

    /// <summary>Why the slot's replicas can never meet it; null: they can.</summary>
    public static string? Unreachable(WriteLevel level, int otherRegions, Topology topology, RecordAddress address)
    {
        var replicas = topology.MapOf(address.Class.Id).Replicas(address.Slot);
        var home = topology[replicas[0]].Region;
        var zones = 0;
        HashSet<string> others = new(StringComparer.Ordinal);
        foreach (var replica in replicas[1..])
            if (topology[replica].Region is var region && region == home)
                zones++;
            else
                others.Add(region);
        return level switch
        {
            WriteLevel.Zone when zones == 0 =>
                $"takes another level: class {address.Class.Name} is in one zone of {home} only",
            WriteLevel.Any when others.Count < otherRegions =>
                $"takes at most {others.Count} other regions for class {address.Class.Name}",
            _ => null,
        };
    }
}
