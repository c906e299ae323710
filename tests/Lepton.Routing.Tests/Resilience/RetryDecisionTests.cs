using Grpc.Core;
using Lepton.Routing.Http2;
using Lepton.Routing.Resilience;

namespace Lepton.Routing.Tests.Resilience;

/// <summary>The two pure tables: what a failure says of the work, and what follows from it.</summary>
public sealed class RetryDecisionTests
{
    [Theory]
    // Certain to have done no work: another place, whatever the model.
    [InlineData(nameof(Failure.NotSent), true, 1, nameof(RetryVerdict.Retry))]
    [InlineData(nameof(Failure.NotSent), false, 1, nameof(RetryVerdict.Retry))]
    [InlineData(nameof(Failure.Refused), true, 2, nameof(RetryVerdict.Retry))]
    [InlineData(nameof(Failure.Refused), false, 2, nameof(RetryVerdict.Retry))]
    [InlineData(nameof(Failure.Full), true, 1, nameof(RetryVerdict.Retry))]
    [InlineData(nameof(Failure.Full), false, 1, nameof(RetryVerdict.Retry))]
    // Perhaps done: only what may be done twice.
    [InlineData(nameof(Failure.MayHaveRun), true, 1, nameof(RetryVerdict.Retry))]
    [InlineData(nameof(Failure.MayHaveRun), false, 1, nameof(RetryVerdict.OutcomeUnknown))]
    [InlineData(nameof(Failure.MayHaveRun), false, 3, nameof(RetryVerdict.OutcomeUnknown))]
    // Enough attempts, or nothing to retry.
    [InlineData(nameof(Failure.NotSent), true, 3, nameof(RetryVerdict.GiveUp))]
    [InlineData(nameof(Failure.Full), false, 3, nameof(RetryVerdict.GiveUp))]
    [InlineData(nameof(Failure.MayHaveRun), true, 4, nameof(RetryVerdict.GiveUp))]
    [InlineData(nameof(Failure.None), true, 1, nameof(RetryVerdict.GiveUp))]
    [InlineData(nameof(Failure.None), false, 1, nameof(RetryVerdict.GiveUp))]
    public void After_Failure_IsTheTablesVerdict(string failure, bool idempotent, int attempts, string expected) =>
        Assert.Equal(expected, RetryDecision.After(
            Enum.Parse<Failure>(failure), idempotent, attempts, attemptsMax: 3).ToString());

    [Theory]
    [InlineData(nameof(PeerFault.NotConnected), nameof(Failure.NotSent))]
    [InlineData(nameof(PeerFault.Unprocessed), nameof(Failure.Refused))] // GOAWAY names the last one it took
    [InlineData(nameof(PeerFault.RefusedStream), nameof(Failure.Refused))] // before any processing
    [InlineData(nameof(PeerFault.Broken), nameof(Failure.MayHaveRun))]
    [InlineData(nameof(PeerFault.ConnectionLost), nameof(Failure.MayHaveRun))]
    public void Of_PeersFault_TellsWhetherItWasProcessed(string fault, string expected) =>
        Assert.Equal(expected, FailureRules.Of(Enum.Parse<PeerFault>(fault)).ToString());

    [Theory]
    [InlineData(StatusCode.Unavailable, "NODE_DRAINING", nameof(Failure.Refused))]
    [InlineData(StatusCode.Unavailable, "MODEL_NOT_READY", nameof(Failure.Refused))]
    [InlineData(StatusCode.Unavailable, "NO_NODE_AVAILABLE", nameof(Failure.Refused))]
    [InlineData(StatusCode.Unavailable, "DECISION_LOG_UNAVAILABLE", nameof(Failure.Refused))]
    [InlineData(StatusCode.Unavailable, "FORWARDING_FAILED", nameof(Failure.MayHaveRun))] // over there, perhaps
    [InlineData(StatusCode.Unavailable, "RETRY_BUDGET_SPENT", nameof(Failure.MayHaveRun))]
    [InlineData(StatusCode.Unavailable, null, nameof(Failure.MayHaveRun))] // anybody may say so, at any time
    [InlineData(null, null, nameof(Failure.MayHaveRun))]
    [InlineData(StatusCode.ResourceExhausted, "QUEUE_FULL", nameof(Failure.Full))]
    [InlineData(StatusCode.ResourceExhausted, "OVERLOADED", nameof(Failure.Full))]
    [InlineData(StatusCode.ResourceExhausted, "MESSAGE_TOO_LARGE", nameof(Failure.None))] // everywhere
    [InlineData(StatusCode.ResourceExhausted, null, nameof(Failure.None))]
    [InlineData(StatusCode.OK, null, nameof(Failure.None))]
    [InlineData(StatusCode.InvalidArgument, "INPUT_INVALID", nameof(Failure.None))]
    [InlineData(StatusCode.Internal, "EXECUTION_FAILED", nameof(Failure.None))] // it ran
    [InlineData(StatusCode.DeadlineExceeded, null, nameof(Failure.None))]
    public void Of_Answer_TellsWhetherItTookWork(StatusCode? status, string? reason, string expected) =>
        Assert.Equal(expected, FailureRules.Of(status, reason).ToString());
}
