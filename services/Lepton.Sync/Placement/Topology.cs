using System.Collections.Frozen;
using Lepton.Sync.Records;

namespace Lepton.Sync.Placement;

/// <summary>How a class keeps its keys.</summary>
internal enum KeyForm
{
    /// <summary>As they are: for classes whose keys name nobody. Prefix scans follow an index.</summary>
    Clear,

    /// <summary>As a keyed digest; the key itself is inside the sealed body. Prefix scans read the class.</summary>
    Blind,
}

/// <summary>A residency class of records.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Name">As callers name it.</param>
/// <param name="DataClass">The policy's data class that limits its regions.</param>
/// <param name="Regions">The regions that may ever hold its records, in ordinal order; 1 or more.</param>
/// <param name="CopyRegions">In how many of them each slot is. 1 or more; no more than there are regions.</param>
/// <param name="CopyZones">In how many zones of each, as far as there are. 1 or more; default 2.</param>
/// <param name="HomeRegion">Which region's nodes are homes; null: every region's, by weight.</param>
/// <param name="Keys">How keys are kept.</param>
internal sealed record RecordClass(
    ClassId Id, string Name, string DataClass, IReadOnlyList<string> Regions, int CopyRegions, int CopyZones,
    string? HomeRegion, KeyForm Keys)
{
    /// <summary>May this region hold its records?</summary>
    public bool Allows(string region) => Regions.Contains(region, StringComparer.Ordinal);
}

/// <summary>A node: one process of Sync with its database in one zone.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Region">Its region.</param>
/// <param name="Zone">Its zone.</param>
/// <param name="Weight">Its share of slots against others', 1 to 1,000; default 100.</param>
internal sealed record SyncNode(NodeId Id, string Region, string Zone, int Weight)
{
    /// <summary>REGION-ZONE.</summary>
    public string Name { get; } = $"{Region}-{Zone}";
}

/// <summary>
/// The agreed state of a moment: classes, nodes, and for each slot its replicas, home first. Immutable; the next one
/// has a higher epoch.
/// </summary>
internal sealed class Topology
{
    private readonly SlotMap[] _maps;
    private readonly FrozenDictionary<string, RecordClass> _byName;
    private readonly FrozenDictionary<string, SyncNode> _nodesByName;

    public Topology(
        long epoch, IReadOnlyList<RecordClass> classes, IReadOnlyList<SyncNode> nodes, IReadOnlyList<SlotMap> maps)
    {
        if (classes.Count != maps.Count || classes.Where((c, i) => c.Id.Value != i).Any()
            || nodes.Where((n, i) => n.Id.Value != i).Any())
            throw new ArgumentException("Classes, maps and nodes are numbered from 0 in their order.");
        (Epoch, Classes, Nodes, _maps) = (epoch, classes, nodes, [.. maps]);
        _byName = classes.ToFrozenDictionary(c => c.Name, StringComparer.Ordinal);
        _nodesByName = nodes.ToFrozenDictionary(n => n.Name, StringComparer.Ordinal);
    }

    /// <summary>1 or more; counts up with every change.</summary>
    public long Epoch { get; }

    public IReadOnlyList<RecordClass> Classes { get; }

    public IReadOnlyList<SyncNode> Nodes { get; }

    public RecordClass? FindClass(string name) => _byName.GetValueOrDefault(name);

    public SyncNode? FindNode(string name) => _nodesByName.GetValueOrDefault(name);

    public RecordClass this[ClassId id] => Classes[id.Value];

    public SyncNode this[NodeId id] => Nodes[id.Value];

    public SlotMap MapOf(ClassId id) => _maps[id.Value];
}

/// <summary>For each slot of a class its replicas, home first, and since which epoch that is its home.</summary>
internal sealed class SlotMap
{
    private readonly NodeId[][] _replicas;
    private readonly long[] _terms;

    /// <param name="replicas">4,096 lists without repetition, each of one node or more.</param>
    /// <param name="terms">4,096 epochs, 1 or more.</param>
    public SlotMap(NodeId[][] replicas, long[] terms)
    {
        if (replicas.Length != SlotId.Count || terms.Length != SlotId.Count || replicas.Any(r => r.Length == 0))
            throw new ArgumentException($"A map has {SlotId.Count} slots with a replica or more each.");
        (_replicas, _terms) = (replicas, terms);
    }

    /// <summary>The slot's replicas, home first.</summary>
    public ReadOnlySpan<NodeId> Replicas(SlotId slot) => _replicas[slot.Value];

    public NodeId Home(SlotId slot) => _replicas[slot.Value][0];

    /// <summary>The epoch since which the home is this slot's home.</summary>
    public long Term(SlotId slot) => _terms[slot.Value];

    public bool Holds(NodeId node, SlotId slot) => Array.IndexOf(_replicas[slot.Value], node) >= 0;
}
