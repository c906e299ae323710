namespace Lepton.Routing.Balancing;

/// <summary>
/// The default. (1) Candidates with a free slot, else with less than half of their queue used, else all; (2) two of
/// them drawn by R2's weight × slots, with the learned time as latency; (3) the one with the lower RTT + service ×
/// (1 + queue / slots). Two, because a third adds a probe and little else (Mitzenmacher 2001).
/// </summary>
/// <remarks>
/// Done on two levels, the own region's nodes and the other regions, whose winners meet in (3): drawn together, two
/// draws could both fall on far regions while a near node is idle.
/// </remarks>
internal sealed class GuardedStrategy : IBalancingStrategy
{
    public string Name => "guarded";

    public Selection Select(CandidateView view, ref PickContext context)
    {
        Best own = Pick(view.Own, 0, ref context);
        if (own.Tier == GuardTier.FreeSlot && own.Score <= view.RemoteScoreMin)
            return own.ToSelection(view);

        Best remote = Pick(view.Remote, view.Own.Candidates.Length, ref context);
        if (remote.Index < 0)
            return own.ToSelection(view);
        if (own.Index < 0)
            return remote.ToSelection(view);

        // Queues more than half full are where requests get lost: there distance no longer counts.
        bool ownCrowded = own.Tier == GuardTier.All, remoteCrowded = remote.Tier == GuardTier.All;
        bool takeOwn = ownCrowded == remoteCrowded ? own.Score <= remote.Score : remoteCrowded;
        return (takeOwn ? own : remote).ToSelection(view);
    }

    private static Best Pick(CandidateLevel level, int offset, ref PickContext context)
    {
        for (GuardTier tier = GuardTier.FreeSlot; tier <= GuardTier.All; tier++)
        {
            int first = WeightedDraw.Draw(level, tier, not: -1, ref context);
            if (first < 0)
                continue;
            context.Trace.Compared(first + offset);
            int second = level.Candidates.Length == 1 ? -1 : WeightedDraw.Draw(level, tier, not: first, ref context);
            double score = level.Candidates[first].Score;
            if (second < 0)
                return new Best(first + offset, tier, score);
            context.Trace.Compared(second + offset);
            double other = level.Candidates[second].Score;
            return other < score ? new Best(second + offset, tier, other) : new Best(first + offset, tier, score);
        }
        return new Best(-1, GuardTier.All, double.PositiveInfinity);
    }

    private readonly record struct Best(int Index, GuardTier Tier, double Score)
    {
        public Selection ToSelection(CandidateView view) =>
            Index < 0 ? Selection.None : new Selection(Index, Guard.Limit(view.All.Candidates[Index], Tier));
    }
}
