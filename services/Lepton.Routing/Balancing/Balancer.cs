namespace Lepton.Routing.Balancing;

/// <summary>Has a strategy pick and books what it picked, in one step as far as other requests can see.</summary>
internal static class Balancer
{
    // Each round lost means that another request was booked: losing eight times in a row is a stampede, and then the
    // candidate is taken full as it is; its own queue decides.
    private const int RoundsMax = 8;

    /// <summary>A booked candidate of the view (or of its last resort), or null.</summary>
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
        while (picked is null && from.LastResort is { } next)
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
        for (int round = 1; ; round++)
        {
            Selection selection = strategy.Select(view, ref context);
            if (selection.Index < 0)
                return null;
            Candidate candidate = view.All.Candidates[selection.Index];
            if (!book || candidate.Lane.TryReserve(round < RoundsMax ? selection.ReserveBelow : int.MaxValue))
                return candidate;
        }
    }
}
