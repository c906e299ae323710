using Grpc.Core;
using Lepton.Routing.Health;
using Lepton.Routing.Http2;

namespace Lepton.Routing.Tests.Health;

public sealed class OutcomeRulesTests
{
    [Fact]
    public void Of_EveryStatus_BlamesThePlaceOnlyWhereItIsAtFault()
    {
        Dictionary<StatusCode, Outcome> judged = new()
        {
            [StatusCode.OK] = Outcome.Good,
            [StatusCode.Unknown] = Outcome.Failed,
            [StatusCode.Internal] = Outcome.Failed,
            [StatusCode.Unavailable] = Outcome.Failed,
            [StatusCode.DataLoss] = Outcome.Failed,
            [StatusCode.Unauthenticated] = Outcome.Failed,
            [StatusCode.ResourceExhausted] = Outcome.Overloaded,
            [StatusCode.Cancelled] = Outcome.Unjudged,
            [StatusCode.InvalidArgument] = Outcome.Unjudged,
            [StatusCode.DeadlineExceeded] = Outcome.Unjudged,
            [StatusCode.NotFound] = Outcome.Unjudged,
            [StatusCode.AlreadyExists] = Outcome.Unjudged,
            [StatusCode.PermissionDenied] = Outcome.Unjudged,
            [StatusCode.FailedPrecondition] = Outcome.Unjudged,
            [StatusCode.Aborted] = Outcome.Unjudged,
            [StatusCode.OutOfRange] = Outcome.Unjudged,
            [StatusCode.Unimplemented] = Outcome.Unjudged,
        };
        Assert.Equal(Enum.GetValues<StatusCode>().Order(), judged.Keys.Order()); // the table is whole
        Assert.All(judged, expected => Assert.Equal(expected.Value, OutcomeRules.Of(expected.Key)));
    }

    [Fact]
    public void Of_Exceptions_BlamesTheConnectionNotTheCaller()
    {
        Assert.Equal(Outcome.Unreachable, OutcomeRules.Of(new PeerException(PeerFault.NotConnected, "refused")));
        Assert.Equal(Outcome.Unreachable, OutcomeRules.Of(new IOException("reset")));
        Assert.Equal(Outcome.Unjudged, OutcomeRules.Of(new OperationCanceledException()));
        Assert.Equal(Outcome.Unjudged, OutcomeRules.Of(new InvalidOperationException("a bug of ours")));
    }

    [Theory]
    [InlineData(0.05, 0.001, false)] // a caller in a hurry ejects nobody
    [InlineData(0.999, 0.001, false)]
    [InlineData(1, 0.001, true)]
    [InlineData(10, 2, true)]
    [InlineData(9.9, 2, false)] // a slow model takes its time
    public void OfSilence_WaitedAndExpected_JudgesLongSilenceOnly(double waited, double expected, bool timedOut) =>
        Assert.Equal(timedOut ? Outcome.TimedOut : Outcome.Unjudged,
            OutcomeRules.OfSilence(TimeSpan.FromSeconds(waited), expected));
}
