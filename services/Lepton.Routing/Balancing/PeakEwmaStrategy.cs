namespace Lepton.Routing.Balancing;

/// <summary>
/// Two candidates drawn, each as likely as the others; of them the lower (RTT + peak service time) × (1 + under way /
/// slots), where the peak rises to a slow answer at once and comes down slowly. After Finagle's and linkerd's Peak
/// EWMA, which count no slots: here a candidate can be a whole region.
/// </summary>
internal sealed class PeakEwmaStrategy : IBalancingStrategy
{
    public string Name => "peak-ewma";

    public RepeatedPick Repeat(RecordedRound round) => Balancing.Repeat.LowerOfTwo(round);

    public Selection Select(CandidateView view, ref PickContext context) =>
        UniformDraw.LowerOfTwo(view, ref context, Cost);

    private static double Cost(Candidate candidate) =>
        (candidate.RoundTripSeconds + candidate.PeakServiceSeconds) * (1 + candidate.Use);
}
