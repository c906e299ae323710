using Grpc.Core;
using Lepton.Routing.Http2;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using NodeReason = Lepton.Inference.V1.ErrorReason;

namespace Lepton.Routing.Resilience;

/// <summary>
/// Which failures are certain to have done no work and which are not. The one place that knows; pure. What is not
/// known to be harmless is taken for work that may have run.
/// </summary>
internal static class FailureRules
{
    // Said before work is taken: by a node's guard and queue, and by another region's router that had no place for it.
    // FORWARDING_FAILED, RETRY_BUDGET_SPENT and the like are not among them: the first of that router's attempts may
    // have run.
    private static readonly HashSet<string> TookNoWork = new(StringComparer.Ordinal)
    {
        RpcErrors.ReasonOf(NodeReason.NodeDraining), RpcErrors.ReasonOf(NodeReason.ModelNotReady),
        RpcErrors.ReasonOf(ErrorReason.NoNodeAvailable), RpcErrors.ReasonOf(ErrorReason.DecisionLogUnavailable),
    };

    private static readonly HashSet<string> HadNoRoom = new(StringComparer.Ordinal)
    {
        RpcErrors.ReasonOf(NodeReason.QueueFull), RpcErrors.ReasonOf(ErrorReason.Overloaded),
    };

    /// <summary>Of what was thrown before the answer's head came.</summary>
    public static Failure Of(PeerFault fault) => fault switch
    {
        PeerFault.NotConnected => Failure.NotSent,
        PeerFault.Unprocessed or PeerFault.RefusedStream => Failure.Refused,
        _ => Failure.MayHaveRun, // the request was on its way
    };

    /// <summary>Of an answer of which no byte was passed on.</summary>
    /// <param name="status">Null: it broke off without one.</param>
    /// <param name="reason">The reason in our own error details; null when there are none.</param>
    public static Failure Of(StatusCode? status, string? reason) => status switch
    {
        null => Failure.MayHaveRun,
        StatusCode.Unavailable => reason is not null && TookNoWork.Contains(reason)
            ? Failure.Refused
            : Failure.MayHaveRun,
        StatusCode.ResourceExhausted when reason is not null && HadNoRoom.Contains(reason) => Failure.Full,
        _ => Failure.None,
    };

    /// <summary>Nobody else would answer better: the first such answer wins over an attempt that still runs.</summary>
    public static bool IsFinal(StatusCode? status) => status is not (StatusCode.Internal or StatusCode.Unknown
        or StatusCode.DeadlineExceeded or StatusCode.Cancelled or StatusCode.DataLoss
        or StatusCode.ResourceExhausted or StatusCode.Unavailable);
}
