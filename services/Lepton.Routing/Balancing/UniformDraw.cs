namespace Lepton.Routing.Balancing;

/// <summary>Draws among the candidates that are not passed over, each as likely as the others.</summary>
internal static class UniformDraw
{
    /// <summary>An index into <see cref="CandidateView.All"/>, or -1 when there is none left.</summary>
    /// <param name="not">An index that must not come out, because it was drawn before; -1: none.</param>
    public static int Draw(CandidateView view, int not, ref PickContext context)
    {
        Candidate[] all = view.All.Candidates;
        if (context.SkipsAny)
            return DrawByScan(all, not, ref context);
        int left = not < 0 ? all.Length : all.Length - 1;
        if (left == 0)
            return -1;
        int index = (int)(context.Draw() * left);
        return not >= 0 && index >= not ? index + 1 : index;
    }

    /// <summary>The cheaper of two different candidates; the first drawn when they cost the same.</summary>
    /// <param name="cost">Lower is better; a static function, so that a pick allocates nothing.</param>
    public static Selection LowerOfTwo(CandidateView view, ref PickContext context, Func<Candidate, double> cost)
    {
        int first = Draw(view, not: -1, ref context);
        if (first < 0)
            return Selection.None;
        Candidate[] all = view.All.Candidates;
        double firstCost = cost(all[first]);
        context.Trace.Compared(first, firstCost, all[first].Lane.Outstanding);
        int second = Draw(view, not: first, ref context);
        if (second < 0)
            return Selection.Of(first);
        double secondCost = cost(all[second]);
        context.Trace.Compared(second, secondCost, all[second].Lane.Outstanding);
        return Selection.Of(secondCost < firstCost ? second : first);
    }

    // Only a request that failed somewhere comes here. Redrawing instead would need a bound, and a scan behind it.
    private static int DrawByScan(Candidate[] all, int not, ref PickContext context)
    {
        int left = 0;
        for (int i = 0; i < all.Length; i++)
            if (i != not && !context.Skips(all[i].Lane))
                left++;
        if (left == 0)
            return -1;

        int skip = (int)(context.Draw() * left);
        for (int i = 0; i < all.Length; i++)
            if (i != not && !context.Skips(all[i].Lane) && skip-- == 0)
                return i;
        return -1;
    }
}
