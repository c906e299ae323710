namespace Lepton.Routing.Balancing;

/// <summary>The candidate at a place in the order, or the next one that is not passed over.</summary>
internal static class InOrder
{
    public static Selection From(CandidateView view, long place, ref PickContext context)
    {
        Candidate[] all = view.All.Candidates;
        if (all.Length == 0)
            return Selection.None;
        int start = Formula.TimeModulo(place, all.Length);
        for (int step = 0; step < all.Length; step++)
        {
            int index = (start + step) % all.Length;
            if (context.Skips(all[index].Lane))
                continue;
            context.Trace.Drew(index);
            return Selection.Of(index);
        }
        return Selection.None;
    }
}
