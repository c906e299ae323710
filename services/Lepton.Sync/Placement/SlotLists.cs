using Lepton.Sync.Records;

namespace Lepton.Sync.Placement;

/// <summary>Puts what a strategy decided into a map: lists in their order, terms.</summary>
internal static class SlotLists
{
    /// <summary>
    /// Home; the home region's others, best score first; then region after region, best score first.
    /// </summary>
    public static NodeId[] Order(
        PlacementGround ground, RendezvousScores scores, int slot, int home, IEnumerable<int> replicas)
    {
        var homeRegion = ground.RegionOf[home];
        return
        [
            ground.Nodes[home].Id,
            .. replicas.Where(n => n != home)
                .OrderByDescending(n => ground.RegionOf[n] == homeRegion)
                .ThenByDescending(n => scores.OfRegion(slot, ground.RegionOf[n]))
                .ThenBy(n => ground.RegionOf[n])
                .ThenByDescending(n => scores.OfNode(slot, n))
                .ThenBy(n => n)
                .Select(n => ground.Nodes[n].Id),
        ];
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
