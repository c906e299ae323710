namespace Lepton.Routing.Balancing;

/// <summary>Has a strategy pick and books what it picked, in one step as far as other requests can see.</summary>
internal static class Balancer
{
    // Each round lost means that another request was booked: losing eight times in a row is a stampede, and then the
    // candidate is taken full as it is; its own queue decides.
    private const int RoundsMax = 8;

    /// <summary>
    /// A booked candidate of the view (or of its last resort), or null. When the context skips those at their limits
    /// then, one of them may come free.
    /// </summary>
    /// <param name="book">False for a dry run: the same pick, nothing booked.</param>
    public static Candidate? Pick(
        CandidateView view, IBalancingStrategy strategy, ref PickContext context, bool book, out CandidateView from)
    {
        if (book && view.Trials.Count > 0 && TryTrial(view, context.Attempted) is { } trial)
        {
            from = trial;
            return trial.All.Candidates[0];
        }
        from = view;
        Candidate? picked = PickFrom(view, strategy, ref context, book);
        // A place at its limit is well: it is waited for rather than one that is not.
        while (picked is null && !context.SkipsFull && from.LastResort is { } next)
        {
            from = next;
            context.Trace = default; // indexes count in the view that was picked from
            picked = PickFrom(next, strategy, ref context, book);
        }
        return picked;
    }

    private static CandidateView? TryTrial(CandidateView view, ReadOnlySpan<Lane> attempted)
    {
        for (int i = 0; i < view.Trials.Count; i++)
        {
            Lane lane = view.Trials[i].All.Candidates[0].Lane;
            if (!attempted.Contains(lane) && lane.Circuit?.TryTrial() == true && lane.TryReserve(int.MaxValue))
                return view.Trials[i];
        }
        return null;
    }

    private static Candidate? PickFrom(
        CandidateView view, IBalancingStrategy strategy, ref PickContext context, bool book)
    {
        if (strategy.TakesTurns)
            context.Turn = book ? view.Turn.Next() : view.Turn.Peek();
        if (!book)
            return Peek(view, strategy, ref context);
        for (int round = 1; ; round++)
        {
            context.Trace.Begin();
            Selection selection = strategy.Select(view, ref context);
            if (selection.Index < 0)
                return null;
            Candidate candidate = view.All.Candidates[selection.Index];
            int limit = context.LimitOf(candidate.Lane);
            if (candidate.Lane.TryReserve(Math.Min(limit, round < RoundsMax ? selection.ReserveBelow : int.MaxValue)))
                return candidate;
            // Limits bind seldom: only who meets one looks at all of them.
            context.SkipsFull |= candidate.Lane.Outstanding >= limit;
        }
    }

    // What is not booked waits for nobody: where all are at their limits, it is told who would be asked otherwise.
    private static Candidate? Peek(CandidateView view, IBalancingStrategy strategy, ref PickContext context)
    {
        Selection first = strategy.Select(view, ref context);
        if (first.Index < 0)
            return null;
        Candidate candidate = view.All.Candidates[first.Index];
        if (candidate.Lane.Outstanding < context.LimitOf(candidate.Lane))
            return candidate;
        context.SkipsFull = true;
        context.Trace.Begin();
        Selection other = strategy.Select(view, ref context);
        return other.Index < 0 ? candidate : view.All.Candidates[other.Index];
    }
}
