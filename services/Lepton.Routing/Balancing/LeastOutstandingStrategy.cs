namespace Lepton.Routing.Balancing;

/// <summary>
/// The candidate with the fewest requests of this router under way for each of its slots. Of equals, an own node goes
/// before another region, and among those chance decides: else idle nodes would all send their first to the same one.
/// </summary>
internal sealed class LeastOutstandingStrategy : IBalancingStrategy
{
    public string Name => "least-outstanding";

    // The scan's start is the draw: where nobody is passed over, the first that is looked at is the first that counts.
    public RepeatedPick Repeat(RecordedRound round)
    {
        int own = round.Places.Count(p => !p.IsRegion);
        bool starts = round.Draws is [var start, ..] && round.Looks is [var first, ..] && round.HasAllPlaces
            && !round.SkipsAny
            ? first.Index == (own > 0 ? (int)(start * own) : (int)(start * round.Places.Count))
            : round.Draws.Count > 0 || round.Looks.Count == 0;
        return starts ? Balancing.Repeat.LastBetter(round, mayEqual: false) : RepeatedPick.Of(-1);
    }

    public Selection Select(CandidateView view, ref PickContext context)
    {
        if (view.All.Candidates.Length == 0)
            return Selection.None;
        double start = context.Draw();
        Least least = new(-1, 0, double.PositiveInfinity);
        Look(view.Own.Candidates, 0, start, ref least, ref context);
        Look(view.Remote.Candidates, view.Own.Candidates.Length, start, ref least, ref context);
        if (least.Index < 0)
            return Selection.None;
        // Booked only as it was seen: requests that look at once would else all take the same least one.
        return new Selection(least.Index, least.Outstanding + 1);
    }

    private static void Look(
        Candidate[] level, int offset, double start, ref Least least, ref PickContext context)
    {
        int first = (int)(start * level.Length);
        for (int step = 0; step < level.Length; step++)
        {
            int i = (first + step) % level.Length;
            int outstanding = level[i].Lane.Outstanding;
            double use = outstanding / (double)level[i].Slots;
            if (use < least.Use && !context.Skips(level[i].Lane))
            {
                least = new Least(i + offset, outstanding, use);
                context.Trace.Compared(least.Index, use, outstanding);
            }
        }
    }

    private readonly record struct Least(int Index, int Outstanding, double Use);
}
