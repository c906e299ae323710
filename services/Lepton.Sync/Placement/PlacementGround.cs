namespace Lepton.Sync.Placement;

/// <summary>What a class can be placed on: its regions' nodes, in the order of their names, numbered anew.</summary>
internal sealed class PlacementGround
{
    /// <exception cref="PlacementException">None of its regions, or not its home region, has a node.</exception>
    public PlacementGround(RecordClass recordClass, IReadOnlyList<SyncNode> nodes)
    {
        Class = recordClass;
        Nodes = [.. nodes.Where(n => recordClass.Allows(n.Region)).OrderBy(n => n.Name, StringComparer.Ordinal)];
        if (Nodes.Length == 0)
            throw new PlacementException($"Class {recordClass.Name}: none of its regions "
                + $"({string.Join(", ", recordClass.Regions)}) has a node.");
        Regions = [.. Nodes.Select(n => n.Region).Distinct().Order(StringComparer.Ordinal)];
        RegionNumbers = [.. Enumerable.Range(0, Regions.Length)];
        RegionOf = [.. Nodes.Select(n => Array.IndexOf(Regions, n.Region))];
        int[] all = [.. Enumerable.Range(0, Nodes.Length)];
        NodesOf = [.. Regions.Select((_, r) => all.Where(n => RegionOf[n] == r).ToArray())];
        Homes = [.. all.Where(n => recordClass.HomeRegion is null || recordClass.HomeRegion == Nodes[n].Region)];
        if (Homes.Length == 0)
            throw new PlacementException($"Class {recordClass.Name}: its home region {recordClass.HomeRegion} has no "
                + "node.");
        CopyRegions = Math.Min(recordClass.CopyRegions, Regions.Length);
        CopyZones = [.. NodesOf.Select(n => Math.Min(recordClass.CopyZones, n.Length))];
        RegionWeights = [.. NodesOf.Select(members => members.Sum(n => Nodes[n].Weight))];
    }

    public RecordClass Class { get; }

    public SyncNode[] Nodes { get; }

    /// <summary>The class's regions that have a node, in ordinal order.</summary>
    public string[] Regions { get; }

    public int[] RegionNumbers { get; }

    /// <summary>Of each node the region.</summary>
    public int[] RegionOf { get; }

    /// <summary>Of each region the nodes: a node is a zone.</summary>
    public int[][] NodesOf { get; }

    /// <summary>The nodes that may be home.</summary>
    public int[] Homes { get; }

    /// <summary>In how many regions each slot is: as the class says, as far as there are.</summary>
    public int CopyRegions { get; }

    /// <summary>In how many zones of each region: as the class says, as far as there are.</summary>
    public int[] CopyZones { get; }

    public int[] RegionWeights { get; }
}
