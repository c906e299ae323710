namespace Lepton.Routing.Balancing;

/// <summary>R3 (reference): one after the other, in the order of ids.</summary>
internal sealed class RoundRobinStrategy : IBalancingStrategy
{
    public string Name => "round-robin";

    public bool TakesTurns => true;

    public RepeatedPick Repeat(RecordedRound round) => Balancing.Repeat.InOrder(round);

    public Selection Select(CandidateView view, ref PickContext context)
    {
        context.Trace.Add(context.Turn);
        return InOrder.From(view, context.Turn, ref context);
    }
}
