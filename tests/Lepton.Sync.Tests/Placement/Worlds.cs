using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Sync.Tests.Placement;

/// <summary>Nodes, classes and topologies for tests.</summary>
internal static class Worlds
{
    /// <summary>Nodes by <c>REGION-ZONE</c> or <c>REGION-ZONE:WEIGHT</c>, the zone without a hyphen.</summary>
    public static SyncNode[] Nodes(params string[] names) => [.. names.Select((name, i) =>
    {
        var parts = name.Split(':');
        var at = parts[0].LastIndexOf('-');
        return new SyncNode(new NodeId((short)i), parts[0][..at], parts[0][(at + 1)..],
            parts.Length > 1 ? int.Parse(parts[1]) : 100);
    })];

    public static RecordClass Class(
        string[] regions, int copyRegions = 1, int copyZones = 2, string? homeRegion = null, string name = "c",
        short id = 0) => new(new ClassId(id), name, "d", [.. regions.Order(StringComparer.Ordinal)],
            copyRegions, copyZones, homeRegion, KeyForm.Blind);

    /// <summary>Two regions with two zones each, one class in both: placed by the default strategy.</summary>
    public static Topology TwoRegions(long epoch = 1) => Of(epoch, ["us-east", "eu-west"]);

    public static Topology Of(long epoch, string[] regions, params string[] more)
    {
        SyncNode[] nodes = Nodes([.. regions.SelectMany(r => new[] { $"{r}-a", $"{r}-b" }), .. more]);
        var recordClass = Class(regions, copyRegions: Math.Min(3, regions.Length));
        return new Topology(epoch, [recordClass], nodes,
            [new MinimumMovePlacement().Place(recordClass, nodes, null, epoch)]);
    }

    public static IEnumerable<SlotId> Slots => Enumerable.Range(0, SlotId.Count).Select(i => new SlotId((short)i));

    /// <summary>Homes, or slots held, of each node.</summary>
    public static int[] Loads(SlotMap map, int nodes, bool homes)
    {
        var loads = new int[nodes];
        foreach (var slot in Slots)
        {
            foreach (var node in homes ? map.Replicas(slot)[..1] : map.Replicas(slot))
                loads[node.Value]++;
        }
        return loads;
    }

    public static bool AreSame(SlotMap a, SlotMap b) => Slots.All(s =>
        a.Replicas(s).SequenceEqual(b.Replicas(s)) && a.Term(s) == b.Term(s));
}
