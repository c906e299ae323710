namespace Lepton.Routing.Balancing;

/// <summary>Any candidate, each as likely as the others: the base line that every other one has to beat.</summary>
internal sealed class RandomStrategy : IBalancingStrategy
{
    public string Name => "random";

    public RepeatedPick Repeat(RecordedRound round) => Balancing.Repeat.Uniform(round, 0, -1);

    public Selection Select(CandidateView view, ref PickContext context)
    {
        int index = UniformDraw.Draw(view, not: -1, ref context);
        if (index < 0)
            return Selection.None;
        context.Trace.Drew(index);
        return Selection.Of(index);
    }
}
