namespace Lepton.Routing.Balancing;

/// <summary>Draws by weight among the candidates that are not passed over.</summary>
internal static class WeightedDraw
{
    /// <summary>An index into the level, or -1 when every candidate was attempted or there is none.</summary>
    public static int Draw(CandidateLevel level, ref PickContext context)
    {
        if (level.Candidates.Length == 0)
            return -1;
        return !context.SkipsAny ? level.Table.Find(context.Draw()) : DrawByScan(level, ref context);
    }

    // Only a request that failed somewhere comes here. Redrawing instead would need a bound, and a scan behind it.
    private static int DrawByScan(CandidateLevel level, ref PickContext context)
    {
        double total = 0;
        int last = -1;
        for (int i = 0; i < level.Candidates.Length; i++)
            if (!context.Skips(level.Candidates[i].Lane))
                (total, last) = (total + level.Weights[i], i);
        if (last < 0)
            return -1;

        double at = context.Draw() * total;
        for (int i = 0; i < last; i++)
            if (!context.Skips(level.Candidates[i].Lane) && (at -= level.Weights[i]) < 0)
                return i;
        return last;
    }
}
