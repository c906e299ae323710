using Grpc.Core;
using Lepton.Routing.Admission;
using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Http2;
using Lepton.Routing.Resilience;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Gateway;

/// <summary>
/// Looks after a request from its first pick to its answer: starts attempts and waits for what happens to them. An
/// attempt that failed is followed by another, one that is slow is joined by another, one whose place has gone is
/// replaced; within the model's budget, and never for work that must not run twice.
/// </summary>
internal sealed class ForwardLoop(
    CandidatePicker picker, StrategyChoice strategies, FlowTable flows, ColdHold hold, PlaceQueue queue,
    Shedding shedding, AttemptRunner runner, AnswerDelivery delivery, ResilienceMetrics metrics,
    IOptions<RoutingOptions> options, TimeProvider time)
{
    /// <summary>Has the request served: null when it was answered, else the error to answer with.</summary>
    /// <param name="contentFor">The request's body for one attempt; null when it can't be sent once more.</param>
    public async Task<RpcException?> RunAsync(GatewayCall call, Func<Candidate, ValueTask<RequestBody?>> contentFor)
    {
        IBalancingStrategy strategy = strategies.For(call.Head.Strategy, call.Draft.Model);
        call.Draft.Strategy = strategy.Name;
        Forwarding run = new(call, strategy, contentFor);
        try
        {
            Place place = await PickAsync(run);
            if (place is { Candidate: null, IsFull: false } && call.Method.Books && await hold.WaitAsync(call))
                place = await PickAsync(run);
            RpcException? error = Begin(run, place);
            while (error is null)
            {
                await call.Signal.WaitAsync();
                call.Cancellation.ThrowIfCancellationRequested();
                if (run.Winner() is { Answer: { } answer } winner)
                {
                    await DeliverAsync(run, winner, answer);
                    return null;
                }
                error = await GoOnAsync(run);
                if (error is not null && run.LastAnswer() is { Answer: { } last } told && IsBetterTold(error))
                {
                    await DeliverAsync(run, told, last);
                    return null;
                }
            }
            return error;
        }
        finally
        {
            EndAll(run);
        }
    }

    private RpcException? Begin(Forwarding run, Place place)
    {
        if (place.Candidate is null)
            return ErrorOf(run, place);
        run.Flow = flows.For(run.Call.Draft.Model);
        run.Flow.Budget.Deposit();
        if (Allowance.IsTooShort(run.Call.TimeLeft, run.Flow.Latency.FastestSeconds))
        {
            place.Reservation?.Dispose();
            return GatewayErrors.DeadlineTooShort(run.Call.TimeLeft);
        }
        Start(run, place, place.Candidate, hedge: false);
        ArmHedge(run, place);
        return null;
    }

    /// <summary>Something happened: the error to end with, or null to wait on.</summary>
    private async ValueTask<RpcException?> GoOnAsync(Forwarding run)
    {
        foreach (Attempt attempt in run.Attempts)
            if (attempt is { IsDone: true, IsEnded: false, Fault: { } fault })
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(fault);
        if (run.Running() is not { } running)
            return await FollowUpAsync(run, run.Attempts[^1]);
        if (running.IsGone)
            Replace(run, running);
        else if (run.Call.TakeAlarm())
            Hedge(run, running);
        return null;
    }

    /// <summary>Every attempt failed: one more, or the end.</summary>
    private async ValueTask<RpcException?> FollowUpAsync(Forwarding run, Attempt failed)
    {
        if (failed.Error is not null)
            return failed.Error;
        string where = AttemptRunner.NameOf(failed.Candidate);
        foreach (Attempt attempt in run.Attempts)
            run.PassOver(attempt, died: attempt.Failure is Failure.NotSent or Failure.MayHaveRun);
        switch (RetryDecision.After(failed.Failure, run.Idempotent, run.Attempts.Count, options.Value.AttemptsMax))
        {
            case RetryVerdict.OutcomeUnknown:
                return GatewayErrors.OutcomeUnknown(where, run.Call.Draft.Model);
            case RetryVerdict.GiveUp:
                return GatewayErrors.ForwardingFailed(where, run.Attempts.Count);
        }
        Place place = await PickAsync(run);
        if (place.Candidate is null)
            return place.IsFull && run.LastAnswer() is null ? ErrorOf(run, place)
                : GatewayErrors.ForwardingFailed(where, run.Attempts.Count);
        if (!TryPay(run, place))
            return GatewayErrors.RetryBudgetSpent(where, failed.Failure);
        metrics.Retries.Add(1, new KeyValuePair<string, object?>("error.type", failed.Failure.ToString()));
        Start(run, place, place.Candidate, hedge: false);
        return null;
    }

    /// <summary>The place of the only attempt has gone: another takes over. Where none can, it is waited for.</summary>
    private void Replace(Forwarding run, Attempt gone)
    {
        if (!run.Idempotent || run.Attempts.Count >= options.Value.AttemptsMax)
            return;
        run.PassOver(gone, died: true);
        Place place = Pick(run, record: false);
        if (place.Candidate is null || !TryPay(run, place))
            return;
        metrics.Retries.Add(1, new KeyValuePair<string, object?>("error.type", "PlaceGone"));
        Start(run, place, place.Candidate, hedge: false);
        runner.End(gone, StatusCode.Unavailable, Outcome.Unreachable, "PLACE_GONE");
        gone.Dispose();
    }

    /// <summary>The answer is late: a second place is asked as well, if one has a slot free.</summary>
    private void Hedge(Forwarding run, Attempt slow)
    {
        if (run.WasHedged || !run.Idempotent || run.Attempts.Count >= options.Value.AttemptsMax)
            return;
        run.WasHedged = true;
        run.PassOver(slow, died: true); // another zone rather than a neighbour: whatever slows it may slow both
        Place place = Pick(run, record: false);
        if (place.Candidate is not { } candidate)
            return;
        // A hedge waits in no queue: where everybody is busy it would only make them busier.
        if (candidate.Lane.Outstanding > candidate.Slots)
            place.Reservation?.Dispose();
        else if (TryPay(run, place))
            Start(run, place, candidate, hedge: true);
    }

    /// <summary>A place; where all are at their limits, one that comes free in time.</summary>
    private ValueTask<Place> PickAsync(Forwarding run)
    {
        bool books = run.Call.Method.Books;
        if (books && queue.IsBefore(run.Call))
            return new ValueTask<Place>(WaitForRoomAsync(run));
        Place place = Pick(run, record: false);
        if (books && place.IsFull)
            return new ValueTask<Place>(WaitForRoomAsync(run));
        if (place.Candidate is null)
            run.Call.Draft.Attempts.Add(place.Attempt);
        return new ValueTask<Place>(place);
    }

    private async Task<Place> WaitForRoomAsync(Forwarding run)
    {
        Place place = default;
        bool served = await queue.WaitAsync(run.Call, () => !(place = Pick(run, record: false)).IsFull);
        if (served && place.Candidate is not null)
            return place;
        // The record says who was at his limit when it gave up; or somebody has come free this moment.
        run.Call.Cancellation.ThrowIfCancellationRequested();
        return Pick(run);
    }

    private RpcException? ErrorOf(Forwarding run, Place place) =>
        place.IsFull ? shedding.Refuse(run.Call.Priority, LimitOptions.Place) : place.Error;

    private Place Pick(Forwarding run, bool record = true)
    {
        GatewayCall call = run.Call;
        Place place = picker.Pick(
            call.Key, run.Strategy, call.Class.Regions, run.Passed, run.Died, call.Priority,
            call.Method.Books);
        run.Idempotent &= place.Attempt.View.Idempotent || !call.Method.Books;
        if (record && place.Candidate is null)
            call.Draft.Attempts.Add(place.Attempt);
        return place;
    }

    private bool TryPay(Forwarding run, Place place)
    {
        if (run.Flow.Budget.TryTake())
            return true;
        metrics.BudgetSpent.Add(1);
        place.Reservation?.Dispose();
        return false;
    }

    private void Start(Forwarding run, Place place, Candidate candidate, bool hedge)
    {
        GatewayCall call = run.Call;
        call.Draft.Attempts.Add(place.Attempt);
        Attempt attempt = new(call, place, candidate, run.Attempts.Count + 1, hedge, time.GetTimestamp());
        run.Add(attempt);
        if (!run.IsUnary)
            place.Reservation?.SetStream();
        else if (run.Idempotent && call.Method.Books)
            attempt.WatchDeparture();
        // It never throws, and says when it is done by the request's signal.
        _ = runner.RunAsync(call, attempt, run.ContentFor);
    }

    // Once the first attempt is on its way, so that a quick answer never pays for it.
    private void ArmHedge(Forwarding run, Place place)
    {
        HedgeOptions hedging = options.Value.Hedging;
        if (!hedging.Enabled || !run.IsUnary || !run.Idempotent || !run.Call.Method.Books
            || place.Attempt.View.All.Candidates.Length < 2
            || run.Flow.Latency.SlowSeconds is not (> 0 and var slow))
            return;
        TimeSpan delay = TimeSpan.FromSeconds(slow);
        run.Call.SetAlarm(delay > hedging.DelayMin ? delay : hedging.DelayMin);
    }

    private async Task DeliverAsync(Forwarding run, Attempt winner, Exchange answer)
    {
        foreach (Attempt attempt in run.Attempts)
        {
            if (attempt.IsHedge)
                metrics.Hedges.Add(1,
                    new KeyValuePair<string, object?>("lepton.hedge.won", ReferenceEquals(attempt, winner)));
            if (ReferenceEquals(attempt, winner) || attempt.IsEnded)
                continue;
            runner.GiveUp(run.Call, attempt, StatusCode.Cancelled, "HEDGE_LOST");
            attempt.Dispose();
        }
        await delivery.DeliverAsync(run.Call, winner, answer, run.Flow, run.Idempotent);
    }

    // A place's own refusal says more than that it refused; that nobody knows what ran, and that no more may be tried,
    // is ours to say.
    private static bool IsBetterTold(RpcException error) =>
        RpcErrors.ReasonOf(error) == RpcErrors.ReasonOf(V1.ErrorReason.ForwardingFailed);

    private void EndAll(Forwarding run)
    {
        StatusCode status = run.Call.Cancellation.IsCancellationRequested
            ? run.Call.CancellationError().StatusCode
            : StatusCode.Cancelled;
        foreach (Attempt attempt in run.Attempts)
        {
            // Whoever's patience it was that ended: a long silence is the place's.
            if (run.Call.Cancellation.IsCancellationRequested)
                runner.GiveUp(run.Call, attempt, status);
            else
                runner.End(attempt, status, Outcome.Unjudged);
            attempt.Dispose();
        }
    }
}
