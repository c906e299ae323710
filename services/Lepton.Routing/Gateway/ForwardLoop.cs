using System.Diagnostics;
using Grpc.Core;
using Lepton.Routing.Balancing;
using Lepton.Routing.Decisions;
using Lepton.Routing.Health;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Gateway;

/// <summary>
/// Picks, books and sends, and picks again when the place turns out dead before any byte of an answer. What may be
/// tried again, how often and when is decided here and nowhere else.
/// </summary>
internal sealed partial class ForwardLoop(
    CandidatePicker picker, StrategyChoice strategies, Forwarder forwarder, CallOpener opener, DecisionLog log,
    RoutingMetrics metrics, IOptions<RoutingOptions> options, TimeProvider time, ILogger<ForwardLoop> logger)
{
    /// <summary>Has the request served: null when it was answered, else the error to answer with.</summary>
    /// <param name="contentFor">The request's body for one attempt; null when it can't be sent once more.</param>
    public async Task<RpcException?> RunAsync(GatewayCall call, Func<Candidate, ValueTask<HttpContent?>> contentFor)
    {
        List<Lane> attempted = [];
        IBalancingStrategy strategy = strategies.For(call.Head.Strategy, call.Draft.Model);
        call.Draft.Strategy = strategy.Name;
        for (int attempt = 1; ; attempt++)
        {
            Place place = picker.Pick(call.Key, strategy, call.Class.Regions, attempted, call.Method.Books);
            using Reservation? reservation = place.Reservation;
            call.Draft.Attempts.Add(place.Attempt);
            if (place.Candidate is not { } candidate)
                return attempt == 1 ? place.Error : GatewayErrors.ForwardingFailed(NameOfLast(call), attempt - 1);
            if (call.Class.Regulated && !await log.WriteDurablyAsync(call.Draft, call.Cancellation))
                return GatewayErrors.DecisionLogUnavailable();
            if (await contentFor(candidate) is not { } content)
                return GatewayErrors.ForwardingFailed(NameOfLast(call), attempt - 1);
            using (content)
            {
                if (await TryAsync(call, candidate, place, attempt, content))
                    return null;
            }
            if (attempt >= options.Value.AttemptsMax)
                return GatewayErrors.ForwardingFailed(NameOf(candidate), attempt);
            attempted.Add(candidate.Lane);
        }
    }

    /// <summary>One attempt; false when another may be made.</summary>
    private async Task<bool> TryAsync(
        GatewayCall call, Candidate candidate, Place place, int attempt, HttpContent content)
    {
        bool last = attempt >= options.Value.AttemptsMax;
        long startedAt = time.GetTimestamp();
        using Activity? activity = RoutingMetrics.Activities.StartActivity("forward", ActivityKind.Client);
        activity?.SetTag("lepton.node", candidate.Node).SetTag("lepton.region",
            candidate.Region).SetTag("lepton.attempt", attempt);
        StatusCode status = StatusCode.Unavailable;
        Outcome outcome = Outcome.Unjudged;
        try
        {
            using HttpResponseMessage answer = await forwarder.SendAsync(call, candidate, attempt, content,
                call.Cancellation);
            if (!last && AnswerRelay.TrailersOnlyStatus(answer) == StatusCode.Unavailable)
            {
                // It took no work: draining, not ready, or a region without a node.
                place.Attempt.Reason = "UNAVAILABLE";
                outcome = OutcomeRules.Of(status);
                return false;
            }
            status = await AnswerAsync(call, candidate, place, answer, startedAt); // ends the reservation
            return true;
        }
        catch (HttpRequestException e) when (!call.Cancellation.IsCancellationRequested
            && !call.Http.Response.HasStarted)
        {
            LogDied(NameOf(candidate), call.Draft.Id, e.HttpRequestError, e.Message);
            place.Attempt.Reason = "CONNECTION_FAILED";
            outcome = OutcomeRules.Of(e);
            return false;
        }
        catch (Exception) when (call.Cancellation.IsCancellationRequested)
        {
            status = call.CancellationError().StatusCode;
            outcome = OutcomeOfCancellation(call, candidate, time.GetElapsedTime(startedAt));
            throw;
        }
        finally
        {
            place.Attempt.StatusCode = (int)status;
            place.Attempt.Duration = time.GetElapsedTime(startedAt);
            place.Reservation?.End(outcome);
            metrics.Attempts.Add(1, new KeyValuePair<string, object?>("rpc.grpc.status_code", (int)status));
            activity?.SetTag("rpc.grpc.status_code", (int)status);
        }
    }

    /// <summary>Passes the answer on and ends the request.</summary>
    private async Task<StatusCode> AnswerAsync(
        GatewayCall call, Candidate candidate, Place place, HttpResponseMessage answer, long startedAt)
    {
        HttpResponse to = call.Http.Response;
        bool streams = call.Method == GatewayMethod.ModelStreamInfer;
        StatusCode? status = null;
        Outcome outcome = Outcome.Unjudged;
        try
        {
            AnswerRelay.CopyHeaders(answer, to);
            await AnswerRelay.CopyBodyAsync(answer, to, flushEach: streams, call.Cancellation);
            status = AnswerRelay.EndStatus(answer);
            outcome = OutcomeRules.Of(status ?? StatusCode.Unavailable); // none: it broke off
        }
        catch (Exception e) when (e is IOException or HttpRequestException
            && !call.Cancellation.IsCancellationRequested)
        {
            LogBrokeOff(NameOf(candidate), call.Draft.Id, e.Message);
            outcome = OutcomeRules.Of(e);
        }
        Settle(call, candidate, answer);
        if (status == StatusCode.OK && call.Method is { Books: true } && !streams)
            Learn(candidate, place, startedAt);
        if (status is null || (status == StatusCode.OK && call.EndedEarly is not null))
        {
            RpcException error = call.EndedEarly
                ?? GatewayErrors.ForwardingFailed(NameOf(candidate), call.Draft.Attempts.Count);
            (call.Draft.Reason, call.Draft.Message) = (RpcErrors.ReasonOf(error) ?? "", error.Status.Detail);
            End(call, place, StatusCode.Unavailable, outcome);
            AnswerRelay.WriteError(to, error, call.Draft);
            return StatusCode.Unavailable;
        }
        call.Draft.Message = status == StatusCode.OK ? ""
            : Uri.UnescapeDataString(AnswerRelay.Read(answer, Headers.Message));
        End(call, place, status.Value, outcome);
        AnswerRelay.CopyTrailers(answer, to, call.Draft);
        return status.Value;
    }

    private void End(GatewayCall call, Place place, StatusCode status, Outcome outcome)
    {
        // Freed before the caller hears of the end: its next request must see the slot free.
        place.Attempt.StatusCode = (int)status;
        place.Attempt.Duration = time.GetUtcNow() - place.Attempt.StartTime;
        place.Reservation?.End(outcome);
        opener.End(call.Draft, status, call.StartedAt);
    }

    // Whoever's patience it was that ended. A stream may be silent for as long as its client is; an answer under way
    // shows that the place lives.
    private static Outcome OutcomeOfCancellation(GatewayCall call, Candidate candidate, TimeSpan waited) =>
        call.Http.Response.HasStarted || call.Method == GatewayMethod.ModelStreamInfer
            ? Outcome.Unjudged
            : OutcomeRules.OfSilence(waited, candidate.SlowAnswerSeconds);

    private static void Settle(GatewayCall call, Candidate candidate, HttpResponseMessage answer)
    {
        string region = AnswerRelay.Read(answer, Headers.Region), node = AnswerRelay.Read(answer, Headers.Node);
        call.Draft.ServedBy = candidate.IsRegion ? node : candidate.Node;
        call.Draft.ServedRegion = candidate.IsRegion && region.Length > 0 ? region : candidate.Region;
        call.Draft.Provider = AnswerRelay.Read(answer, Headers.Provider);
    }

    private void Learn(Candidate candidate, Place place, long startedAt)
    {
        double elapsed = time.GetElapsedTime(startedAt).TotalSeconds;
        double service = ServiceEstimate.Seconds(elapsed, candidate, Math.Max(0, place.Attempt.OutstandingAtPick));
        candidate.Lane.Learn(service, time.GetTimestamp());
    }

    private static string NameOf(Candidate candidate) => candidate.IsRegion ? $"region {candidate.Region}"
        : candidate.Node;

    private static string NameOfLast(GatewayCall call) =>
        call.Draft.Attempts.LastOrDefault(a => a.Picked is not null)?.Picked is { } picked ? NameOf(picked)
            : "no place";

    [LoggerMessage(LogLevel.Warning, "{Place} died before it answered decision {Decision} ({Error}): {Why}")]
    private partial void LogDied(string place, string decision, HttpRequestError error, string why);

    [LoggerMessage(LogLevel.Warning, "{Place} broke its answer to decision {Decision} off: {Why}")]
    private partial void LogBrokeOff(string place, string decision, string why);
}
