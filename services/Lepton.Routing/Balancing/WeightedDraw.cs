namespace Lepton.Routing.Balancing;

/// <summary>Draws by weight among the candidates that a guard lets through.</summary>
internal static class WeightedDraw
{
    // Redrawing what the guard refuses is exact, and with 10 % of the nodes full it takes 1.1 draws. When most are
    // full, looking at each once is cheaper than drawing on.
    private const int RedrawsMax = 6;

    /// <summary>An index into the level, or -1 when the guard lets nothing through.</summary>
    public static int Draw(CandidateLevel level, GuardTier tier, int not, ref PickContext context)
    {
        if (level.Candidates.Length == 0)
            return -1;
        for (int i = 0; i < RedrawsMax; i++)
        {
            int index = level.Table.Find(context.Draw());
            if (index != not && Admits(level.Candidates[index], tier, ref context))
                return index;
        }
        return DrawByScan(level, tier, not, ref context);
    }

    private static int DrawByScan(CandidateLevel level, GuardTier tier, int not, ref PickContext context)
    {
        double total = 0;
        int last = -1;
        for (int i = 0; i < level.Candidates.Length; i++)
            if (i != not && Admits(level.Candidates[i], tier, ref context))
                (total, last) = (total + level.Weights[i], i);
        if (last < 0)
            return -1;

        double at = context.Draw() * total;
        for (int i = 0; i < last; i++)
        {
            // Counts move while we look: a candidate that filled up meanwhile is passed over, at worst the last is
            // taken.
            if (i == not || !Admits(level.Candidates[i], tier, ref context))
                continue;
            at -= level.Weights[i];
            if (at < 0)
                return i;
        }
        return last;
    }

    private static bool Admits(Candidate candidate, GuardTier tier, ref PickContext context) =>
        candidate.Lane.Outstanding < Guard.Limit(candidate, tier)
        && (context.Attempted.IsEmpty || !context.WasAttempted(candidate.Lane));
}
