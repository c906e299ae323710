namespace Lepton.Routing.Balancing;

/// <summary>R3 (reference): the candidate at index (whole seconds mod N), in the order of ids.</summary>
internal sealed class TimeModuloStrategy : IBalancingStrategy
{
    public string Name => "time-modulo";

    public RepeatedPick Repeat(RecordedRound round) => Balancing.Repeat.InOrder(round);

    public Selection Select(CandidateView view, ref PickContext context)
    {
        context.Trace.Add(context.UnixSeconds);
        return InOrder.From(view, context.UnixSeconds, ref context);
    }
}
