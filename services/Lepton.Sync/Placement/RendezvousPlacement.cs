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
        var home = Best(ground.Homes, slot, scores.OfNode, []);
        List<int> regions = [ground.RegionOf[home]];
        while (regions.Count < ground.CopyRegions)
            regions.Add(Best(ground.RegionNumbers, slot, scores.OfRegion, regions));
        List<int> held = [];
        foreach (var region in regions)
        {
            var wanted = held.Count + ground.CopyZones[region];
            if (region == regions[0])
                held.Add(home);
            while (held.Count < wanted)
                held.Add(Best(ground.NodesOf[region], slot, scores.OfNode, held));
        }
        return (home, held);
    }

    // Loops, since this runs for each slot of each class at each start; the first of equals, that is the lower name.
    private static int Best(int[] among, int slot, Func<int, int, double> score, List<int> except)
    {
        var (best, bestScore) = (-1, double.NegativeInfinity);
        foreach (var candidate in among)
        {
            var its = score(slot, candidate);
            if (its > bestScore && !except.Contains(candidate))
                (best, bestScore) = (candidate, its);
        }
        return best;
    }
}
