namespace Lepton.Routing.Balancing;

/// <summary>
/// Two candidates drawn, each as likely as the others; of them the one with fewer requests under way for each of its
/// slots. Nearly as even as looking at all, and no herd (Mitzenmacher 2001).
/// </summary>
internal sealed class PowerOfTwoStrategy : IBalancingStrategy
{
    public string Name => "p2c";

    public RepeatedPick Repeat(RecordedRound round) => Balancing.Repeat.LowerOfTwo(round);

    public Selection Select(CandidateView view, ref PickContext context) =>
        UniformDraw.LowerOfTwo(view, ref context, static candidate => candidate.Use);
}
