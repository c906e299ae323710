namespace Lepton.Routing.Balancing;

/// <summary>
/// Two candidates drawn, each as likely as the others; of them the one with fewer requests under way for each of its
/// slots. Nearly as even as looking at all, and no herd (Mitzenmacher 2001).
/// </summary>
internal sealed class PowerOfTwoStrategy : IBalancingStrategy
{
    public string Name => "p2c";

    public Selection Select(CandidateView view, ref PickContext context)
    {
        int first = UniformDraw.Draw(view, not: -1, ref context);
        if (first < 0)
            return Selection.None;
        context.Trace.Compared(first);
        int second = UniformDraw.Draw(view, not: first, ref context);
        if (second < 0)
            return Selection.Of(first);
        context.Trace.Compared(second);
        Candidate[] all = view.All.Candidates;
        return Selection.Of(all[second].Use < all[first].Use ? second : first);
    }
}
