namespace Lepton.Routing.Balancing;

/// <summary>
/// R4: the lowest latency among the candidates with enough free resources: with a free slot, else with less than half
/// of their queue used, else all. Of equals, the one with fewer under way.
/// </summary>
internal sealed class ShortestLatencyStrategy : IBalancingStrategy
{
    public string Name => "shortest-latency";

    public RepeatedPick Repeat(RecordedRound round) => Balancing.Repeat.LastBetter(round, mayEqual: true);

    public Selection Select(CandidateView view, ref PickContext context)
    {
        for (GuardTier tier = GuardTier.FreeSlot; tier <= GuardTier.All; tier++)
        {
            int index = Shortest(view.All.Candidates, tier, ref context);
            if (index < 0)
                continue;
            // Everybody sees the same shortest one: booked without the limit, a burst would all end up there.
            return new Selection(index, Guard.Limit(view.All.Candidates[index], tier));
        }
        return Selection.None;
    }

    private static int Shortest(Candidate[] all, GuardTier tier, ref PickContext context)
    {
        int best = -1;
        (double Latency, double Use) lowest = (double.PositiveInfinity, double.PositiveInfinity);
        for (int i = 0; i < all.Length; i++)
        {
            int outstanding = all[i].Lane.Outstanding;
            if (outstanding >= Guard.Limit(all[i], tier) || context.Skips(all[i].Lane))
                continue;
            (double Latency, double Use) mine = (all[i].LatencySeconds, outstanding / (double)all[i].Slots);
            if (best < 0 || mine.Latency < lowest.Latency
                || (mine.Latency == lowest.Latency && mine.Use < lowest.Use))
            {
                (best, lowest) = (i, mine);
                context.Trace.Compared(i, mine.Latency, outstanding);
            }
        }
        return best;
    }
}
