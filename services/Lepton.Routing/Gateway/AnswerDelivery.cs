using Grpc.Core;
using Lepton.Routing.Balancing;
using Lepton.Routing.Decisions;
using Lepton.Routing.Health;
using Lepton.Routing.Http2;
using Lepton.Routing.Resilience;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Gateway;

/// <summary>Passes the winning attempt's answer on, learns from it, and ends the request.</summary>
internal sealed partial class AnswerDelivery(
    AttemptRunner runner, CallOpener opener, TimeProvider time, ILogger<AnswerDelivery> logger)
{
    public async Task DeliverAsync(
        GatewayCall call, Attempt attempt, Exchange answer, ModelFlow flow, bool idempotent)
    {
        HttpResponse to = call.Http.Response;
        Outcome? outcome = null;
        StatusCode? status = null;
        try
        {
            AnswerRelay.CopyHeaders(answer, to);
            if (attempt.IsWhole)
                answer.Take(to.BodyWriter);
            else
                await AnswerRelay.CopyBodyAsync(answer, to, call.Method == GatewayMethod.ModelStreamInfer,
                    call.Cancellation);
            status = AnswerRelay.EndStatus(answer);
        }
        catch (IOException e) when (!call.Cancellation.IsCancellationRequested)
        {
            LogBrokeOff(AttemptRunner.NameOf(attempt.Candidate), call.Draft.Id, e.Message);
            outcome = OutcomeRules.Of(e);
        }
        Settle(call, attempt.Candidate, answer);
        if (status is null || (status == StatusCode.OK && call.EndedEarly is not null))
        {
            BreakOff(call, attempt, outcome ?? OutcomeRules.Of(status ?? StatusCode.Unavailable), idempotent);
            return;
        }
        if (status == StatusCode.OK && call.Method is { Books: true } && call.Method != GatewayMethod.ModelStreamInfer)
            Learn(attempt, flow);
        call.Draft.Message = status == StatusCode.OK ? ""
            : Uri.UnescapeDataString(AnswerRelay.Read(answer, Headers.Message));
        // Our deadline passes there a little before the caller's does: the silence up to it counts as ours would.
        End(call, attempt, status.Value, status == StatusCode.DeadlineExceeded
            ? runner.OutcomeOfWait(attempt)
            : OutcomeRules.Of(status.Value));
        AnswerRelay.CopyTrailers(answer, to, call.Draft);
    }

    // Some of it is with the caller already: nobody else can finish it.
    private void BreakOff(GatewayCall call, Attempt attempt, Outcome outcome, bool idempotent)
    {
        string where = AttemptRunner.NameOf(attempt.Candidate);
        RpcException error = call.EndedEarly ?? (idempotent
            ? GatewayErrors.ForwardingFailed(where, call.Draft.Attempts.Count)
            : GatewayErrors.OutcomeUnknown(where, call.Draft.Model));
        (call.Draft.Reason, call.Draft.Message) = (RpcErrors.ReasonOf(error) ?? "", error.Status.Detail);
        End(call, attempt, error.StatusCode, outcome);
        AnswerRelay.WriteError(call.Http.Response, error, call.Draft);
    }

    // Freed before the caller hears of the end: its next request must see the slot free.
    private void End(GatewayCall call, Attempt attempt, StatusCode status, Outcome outcome)
    {
        runner.End(attempt, status, outcome);
        opener.End(call.Draft, status, call.StartedAt);
    }

    private void Learn(Attempt attempt, ModelFlow flow)
    {
        double elapsed = time.GetElapsedTime(attempt.StartedAt).TotalSeconds;
        AttemptDraft draft = attempt.Place.Attempt;
        int ahead = Math.Max(0, draft.OutstandingAtPick);
        attempt.Candidate.Lane.Learn(
            ServiceEstimate.Seconds(elapsed, attempt.Candidate, ahead), time.GetTimestamp());
        attempt.Candidate.Lane.Answered(
            elapsed, attempt.Candidate.QueuesAt(ahead), attempt.Candidate.SaidLatencySeconds);
        flow.Latency.Record(elapsed);
    }

    private static void Settle(GatewayCall call, Candidate candidate, Exchange answer)
    {
        string region = AnswerRelay.Read(answer, Headers.Region), node = AnswerRelay.Read(answer, Headers.Node);
        call.Draft.ServedBy = candidate.IsRegion ? node : candidate.Node;
        call.Draft.ServedRegion = candidate.IsRegion && region.Length > 0 ? region : candidate.Region;
        call.Draft.Provider = AnswerRelay.Read(answer, Headers.Provider);
    }

    [LoggerMessage(LogLevel.Warning, "{Place} broke its answer to decision {Decision} off: {Why}")]
    private partial void LogBrokeOff(string place, string decision, string why);
}
