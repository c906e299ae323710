using Lepton.Sync.Records;

namespace Lepton.Sync.Placement;

/// <summary>
/// Weighted rendezvous hashing alone: needs no earlier map, and moves only what concerns a node that comes or goes; but
/// shares are as even as chance makes them (at 300 nodes the fullest has twice the mean).
/// </summary>
internal sealed class RendezvousPlacement : IPlacementStrategy
{
    public const string StrategyName = "rendezvous";

    public string Name => StrategyName;

    public SlotId SlotOf(ReadOnlySpan<byte> storedKey, int homes) => KeyHash.SlotOf(storedKey);

    public SlotMap Place(RecordClass recordClass, IReadOnlyList<SyncNode> nodes, SlotMap? previous, long epoch)
    {
        var ground = new PlacementGround(recordClass, nodes);
        var scores = new RendezvousScores(ground);
        var replicas = new NodeId[SlotId.Count][];
        for (var slot = 0; slot < replicas.Length; slot++)
        {
            var (home, held) = Pick(ground, scores, slot);
            replicas[slot] = SlotLists.Order(ground, scores, slot, home, held);
        }
        return SlotLists.ToMap(replicas, previous, epoch);
    }

    /// <summary>The home and all replicas of a slot, as numbers in the ground.</summary>
    internal static (int Home, IReadOnlyList<int> Held) Pick(PlacementGround ground, RendezvousScores scores, int slot)
    {
        var home = ground.Homes.MaxBy(n => (scores.OfNode(slot, n), -n));
        var homeRegion = ground.RegionOf[home];
        var regions = Enumerable.Range(0, ground.Regions.Length).Where(r => r != homeRegion)
            .OrderByDescending(r => scores.OfRegion(slot, r)).ThenBy(r => r)
            .Take(ground.CopyRegions - 1).Prepend(homeRegion);
        List<int> held = [];
        foreach (var region in regions)
            held.AddRange(ground.NodesOf[region]
                .OrderByDescending(n => n == home).ThenByDescending(n => scores.OfNode(slot, n)).ThenBy(n => n)
                .Take(ground.CopyZones[region]));
        return (home, held);
    }
}
