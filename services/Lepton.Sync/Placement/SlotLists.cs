using Lepton.Sync.Records;

namespace Lepton.Sync.Placement;

/// <summary>Puts what a strategy decided into a map: lists in their order, terms.</summary>
internal static class SlotLists
{
    /// <summary>
    /// Home; the home region's others, best score first; then region after region, best score first.
    /// </summary>
    public static NodeId[] Order(
        PlacementGround ground, RendezvousScores scores, int slot, int home, IReadOnlyList<int> replicas)
    {
        var order = new int[replicas.Count];
        for (var i = 0; i < order.Length; i++)
        {
            var at = i; // insertion: a handful
            for (; at > 0 && IsBefore(replicas[i], order[at - 1]); at--)
                order[at] = order[at - 1];
            order[at] = replicas[i];
        }
        return Array.ConvertAll(order, n => ground.Nodes[n].Id);

        bool IsBefore(int a, int b)
        {
            if (a == home || b == home)
                return a == home;
            var (regionA, regionB) = (ground.RegionOf[a], ground.RegionOf[b]);
            if (regionA == regionB)
                return Precedes(scores.OfNode(slot, a), scores.OfNode(slot, b), a < b);
            if (regionA == ground.RegionOf[home] || regionB == ground.RegionOf[home])
                return regionA == ground.RegionOf[home];
            return Precedes(scores.OfRegion(slot, regionA), scores.OfRegion(slot, regionB), regionA < regionB);
        }

        static bool Precedes(double a, double b, bool isLower) => a > b || (a == b && isLower);
    }

    /// <summary>A map whose terms are the new epoch where the home is another than before, else as they were.</summary>
    public static SlotMap ToMap(NodeId[][] replicas, SlotMap? previous, long epoch)
    {
        var terms = new long[SlotId.Count];
        for (short slot = 0; slot < SlotId.Count; slot++)
            terms[slot] = previous is not null && previous.Home(new SlotId(slot)) == replicas[slot][0]
                ? previous.Term(new SlotId(slot))
                : epoch;
        return new SlotMap(replicas, terms);
    }
}

/// <summary>What changes from one map to the next.</summary>
/// <param name="Homes">Slots with another home.</param>
/// <param name="Copies">Replicas that a node has to get: data that moves, in slots.</param>
/// <param name="Slots">Slots with another set of replicas.</param>
internal sealed record SlotMoves(int Homes, int Copies, int Slots)
{
    public static SlotMoves Between(SlotMap previous, SlotMap next)
    {
        int homes = 0, copies = 0, slots = 0;
        for (short i = 0; i < SlotId.Count; i++)
        {
            var slot = new SlotId(i);
            var added = 0;
            foreach (var node in next.Replicas(slot))
                added += previous.Holds(node, slot) ? 0 : 1;
            homes += previous.Home(slot) == next.Home(slot) ? 0 : 1;
            copies += added;
            slots += added > 0 || previous.Replicas(slot).Length != next.Replicas(slot).Length ? 1 : 0;
        }
        return new SlotMoves(homes, copies, slots);
    }
}
