using System.Diagnostics;
using Grpc.Core;
using Lepton.Routing.Balancing;
using Lepton.Routing.Decisions;
using Lepton.Routing.Health;
using Lepton.Routing.Http2;
using Lepton.Routing.Resilience;
using Lepton.Routing.Security;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Gateway;

/// <summary>Sends one attempt, holds back what can be held of its answer, says how it failed, and books its
/// end.</summary>
internal sealed partial class AttemptRunner(
    Forwarder forwarder, DecisionLog log, RegulatedAudit audit, RoutingMetrics metrics,
    IOptions<RoutingOptions> options, TimeProvider time,
    ILogger<AttemptRunner> logger)
{
    /// <summary>Never throws: whatever happens is in the attempt, and the request's signal is raised.</summary>
    public async Task RunAsync(GatewayCall call, Attempt attempt, Func<Candidate, ValueTask<RequestBody?>> contentFor)
    {
        attempt.Activity = RoutingMetrics.Activities.StartActivity("forward", ActivityKind.Client);
        attempt.Activity?.SetTag("lepton.node", attempt.Candidate.Node)
            .SetTag("lepton.region", attempt.Candidate.Region)
            .SetTag("lepton.attempt", attempt.Number);
        try
        {
            if (call.Class.Regulated && await RefusalAsync(call, attempt) is { } refusal)
                attempt.Fail(refusal);
            else if (await contentFor(attempt.Candidate) is { } content)
                await SendAsync(call, attempt, content);
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
        Outcome outcome = attempt.Answer?.Head is null && call.Method != GatewayMethod.ModelStreamInfer
            ? OutcomeOfWait(attempt)
            : Outcome.Unjudged;
        End(attempt, status, outcome, reason);
    }

    /// <summary>What a wait for nothing says of the place.</summary>
    public Outcome OutcomeOfWait(Attempt attempt)
        => OutcomeRules.OfSilence(time.GetElapsedTime(attempt.StartedAt), attempt.Candidate.SlowAnswerSeconds);

    public static string NameOf(Candidate candidate) =>
        candidate.IsRegion ? $"region {candidate.Region}" : candidate.Node;

    // Regulated: the audit event of the request and the record of this very attempt are on disk before its first byte
    // goes. Both are flushed at the same time.
    private async Task<RpcException?> RefusalAsync(GatewayCall call, Attempt attempt)
    {
        Task<bool> permit = audit.PermitAsync(call);
        bool recorded = await log.WriteDurablyAsync(call.Draft, attempt.Cancellation);
        return !await permit ? GatewayErrors.AuditUnavailable()
            : recorded ? null
            : GatewayErrors.DecisionLogUnavailable();
    }

    private async Task SendAsync(GatewayCall call, Attempt attempt, RequestBody body)
    {
        bool isStream = call.Method == GatewayMethod.ModelStreamInfer;
        Exchange answer = await AskAsync(call, attempt, body,
            untilBytes: isStream ? 0 : options.Value.Retries.AnswerHeldBytesMax);
        attempt.IsWhole = answer.IsEnded && !isStream;
        // A stream is passed on as it comes: what breaks it off reaches the caller.
        if (!attempt.IsWhole && AnswerRelay.TrailersOnlyStatus(answer) is null)
            return;
        attempt.Status = AnswerRelay.EndStatus(answer);
        string? reason = AnswerReason.Of(answer, attempt.Status);
        attempt.Fail(FailureRules.Of(attempt.Status, reason));
        if (attempt.Failure != Failure.None)
            attempt.Place.Attempt.Reason = reason ?? attempt.Status?.ToString().ToUpperInvariant() ?? BrokeOff;
    }

    // A peer that leaves says what it did not take: that goes to it again, by a new connection.
    private async ValueTask<Exchange> AskAsync(GatewayCall call, Attempt attempt, RequestBody body, int untilBytes)
    {
        for (int tries = 1; ; tries++)
        {
            Exchange answer = attempt.Answer = await forwarder.SendAsync(
                call, attempt.Candidate, attempt.Number, body, attempt.Cancellation);
            try
            {
                await answer.WaitAsync(untilBytes);
                return answer;
            }
            catch (PeerException e) when (e.Fault == PeerFault.Unprocessed && body.IsWhole && tries < TriesMax)
            {
                answer.Dispose();
            }
        }
    }

    private const string BrokeOff = "ANSWER_BROKE_OFF";
    private const int TriesMax = 3;

    private void Explain(GatewayCall call, Attempt attempt, Exception e)
    {
        bool isHeadHere = attempt.Answer?.Head is not null;
        if (attempt.Cancellation.IsCancellationRequested || e is not IOException)
        {
            attempt.Fail(e); // by the request's end, or because another attempt answered: nothing to explain
            return;
        }
        attempt.Fail(e is PeerException peer && !isHeadHere ? FailureRules.Of(peer.Fault) : Failure.MayHaveRun);
        attempt.Place.Attempt.Reason = isHeadHere ? BrokeOff : "CONNECTION_FAILED";
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
