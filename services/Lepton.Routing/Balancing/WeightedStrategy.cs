namespace Lepton.Routing.Balancing;

/// <summary>R2 (reference): a candidate drawn at random in proportion to 1 / (latency × (1 + load / 100)).</summary>
internal sealed class WeightedStrategy : IBalancingStrategy
{
    public string Name => "weighted";

    public RepeatedPick Repeat(RecordedRound round) => Balancing.Repeat.ByWeight(round);

    public Selection Select(CandidateView view, ref PickContext context)
    {
        int index = WeightedDraw.Draw(view.All, ref context);
        if (index < 0)
            return Selection.None;
        context.Trace.Drew(index);
        return Selection.Of(index);
    }
}
