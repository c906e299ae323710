using System.Diagnostics;
using Grpc.Core;
using Lepton.Routing.Balancing;
using Lepton.Routing.Decisions;
using Lepton.Routing.Health;
using Lepton.Routing.Resilience;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Gateway;

/// <summary>Sends one attempt, holds back what can be held of its answer, says how it failed, and books its
/// end.</summary>
internal sealed partial class AttemptRunner(
    Forwarder forwarder, DecisionLog log, RoutingMetrics metrics, IOptions<RoutingOptions> options, TimeProvider time,
    ILogger<AttemptRunner> logger)
{
    /// <summary>Never throws: whatever happens is in the attempt, and the request's signal is raised.</summary>
    public async Task RunAsync(GatewayCall call, Attempt attempt, Func<Candidate, ValueTask<HttpContent?>> contentFor)
    {
        attempt.Activity = RoutingMetrics.Activities.StartActivity("forward", ActivityKind.Client);
        attempt.Activity?.SetTag("lepton.node", attempt.Candidate.Node)
            .SetTag("lepton.region", attempt.Candidate.Region)
            .SetTag("lepton.attempt", attempt.Number);
        try
        {
            // Regulated: the record of this very attempt is on disk before its first byte goes.
            if (call.Class.Regulated && !await log.WriteDurablyAsync(call.Draft, attempt.Cancellation))
                attempt.Fail(GatewayErrors.DecisionLogUnavailable());
            else if (await contentFor(attempt.Candidate) is { } content)
                await SendAsync(call, attempt, attempt.Content = content);
            else
                attempt.Fail(GatewayErrors.ForwardingFailed(NameOf(attempt.Candidate), attempt.Number));
        }
        catch (Exception e)
        {
            Explain(call, attempt, e);
        }
        finally
        {
            if (attempt.Failure != Failure.None && !attempt.IsEnded)
                End(attempt, attempt.Status ?? StatusCode.Unavailable, OutcomeOf(attempt));
            attempt.Finish();
        }
    }

    /// <summary>Ends it once: its place in the record, its booking, its count.</summary>
    public void End(Attempt attempt, StatusCode status, Outcome outcome, string reason = "")
    {
        if (!attempt.TryEnd())
            return;
        AttemptDraft draft = attempt.Place.Attempt;
        draft.StatusCode = (int)status;
        draft.Duration = time.GetElapsedTime(attempt.StartedAt);
        if (reason.Length > 0)
            draft.Reason = reason;
        attempt.Place.Reservation?.End(outcome);
        metrics.Attempts.Add(1, new KeyValuePair<string, object?>("rpc.grpc.status_code", StatusTag.Of((int)status)));
        attempt.Activity?.SetTag("rpc.grpc.status_code", (int)status);
    }

    /// <summary>
    /// Ends an attempt that is no longer waited for, by no fault of the caller's: silence for too long counts against
    /// its place.
    /// </summary>
    public void GiveUp(GatewayCall call, Attempt attempt, StatusCode status, string reason = "")
    {
        // A stream may be silent for as long as its client is; an answer under way shows that the place lives.
        Outcome outcome = attempt.Answer is null && call.Method != GatewayMethod.ModelStreamInfer
            ? OutcomeOfWait(attempt)
            : Outcome.Unjudged;
        End(attempt, status, outcome, reason);
    }

    /// <summary>What a wait for nothing says of the place.</summary>
    public Outcome OutcomeOfWait(Attempt attempt)
        => OutcomeRules.OfSilence(time.GetElapsedTime(attempt.StartedAt), attempt.Candidate.SlowAnswerSeconds);

    public static string NameOf(Candidate candidate) =>
        candidate.IsRegion ? $"region {candidate.Region}" : candidate.Node;

    private async Task SendAsync(GatewayCall call, Attempt attempt, HttpContent content)
    {
        HttpResponseMessage answer = attempt.Answer = await forwarder.SendAsync(
            call, attempt.Candidate, attempt.Number, content, attempt.Cancellation);
        if (call.Method != GatewayMethod.ModelStreamInfer)
            await attempt.Held.FillAsync(answer, options.Value.Retries.AnswerHeldBytesMax, attempt.Cancellation);
        else if (AnswerRelay.TrailersOnlyStatus(answer) is null)
            return; // a stream is passed on as it comes: what breaks it off reaches the caller

        if (!attempt.Held.IsWhole && AnswerRelay.TrailersOnlyStatus(answer) is null)
            return;
        attempt.Status = AnswerRelay.EndStatus(answer);
        string? reason = AnswerReason.Of(answer, attempt.Status);
        attempt.Fail(FailureRules.Of(attempt.Status, reason));
        if (attempt.Failure != Failure.None)
            attempt.Place.Attempt.Reason = reason ?? attempt.Status?.ToString().ToUpperInvariant() ?? BrokeOff;
    }

    private const string BrokeOff = "ANSWER_BROKE_OFF";

    private void Explain(GatewayCall call, Attempt attempt, Exception e)
    {
        if (attempt.Cancellation.IsCancellationRequested)
        {
            attempt.Fail(e); // by the request's end, or because another attempt answered: nothing to explain
            return;
        }
        switch (e)
        {
            case HttpRequestException http when attempt.Answer is null:
                attempt.Fail(FailureRules.Of(http));
                break;
            case OperationCanceledException { InnerException: TimeoutException }: // the connection's own time limit
                attempt.Fail(Failure.NotSent);
                break;
            case IOException or HttpRequestException:
                attempt.Fail(Failure.MayHaveRun);
                break;
            default:
                attempt.Fail(e);
                return;
        }
        attempt.Place.Attempt.Reason = attempt.Answer is null ? "CONNECTION_FAILED" : BrokeOff;
        attempt.Status = null;
        LogDied(NameOf(attempt.Candidate), call.Draft.Id, attempt.Failure, e.Message);
    }

    private static Outcome OutcomeOf(Attempt attempt) =>
        attempt.Error is not null ? Outcome.Unjudged // ours, not the place's
        : attempt.Status is { } status ? OutcomeRules.Of(status)
        : Outcome.Unreachable;

    [LoggerMessage(LogLevel.Warning, "{Place} died before decision {Decision} was answered ({Failure}): {Why}")]
    private partial void LogDied(string place, string decision, Failure failure, string why);
}
