using Grpc.Core;
using Lepton.Routing.Admission;
using Lepton.Routing.Balancing;
using Lepton.Routing.Decisions;
using Lepton.Routing.Registry;
using Lepton.Routing.Resilience;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Gateway;

/// <summary>A place for one attempt, booked; or why there is none.</summary>
internal readonly record struct Place(Candidate? Candidate, Reservation? Reservation, AttemptDraft Attempt,
    RpcException? Error)
{
    /// <summary>Every place that could be asked is at its limit; there is no error then.</summary>
    public bool IsFull => Candidate is null && Error is null;
}

/// <summary>Finds the view for a request and has its strategy pick: the same for requests and for dry runs.</summary>
internal sealed class CandidatePicker(
    SnapshotPublisher snapshots, ChanceSource chance, PlaceQueue queue, RoutingMetrics metrics,
    IOptions<RoutingOptions> options, TimeProvider time)
{
    private readonly Action<Lane> _freed = queue.Freed;

    /// <param name="key">Model and allowed regions.</param>
    /// <param name="strategy">Who picks.</param>
    /// <param name="allowed">The allowed regions' names, for the message of a refusal.</param>
    /// <param name="passed">Places that this request was at.</param>
    /// <param name="died">Those of them that died under it.</param>
    /// <param name="priority">How much of the places' limits it may use.</param>
    /// <param name="book">False: nothing is booked.</param>
    public Place Pick(
        in ViewKey key, IBalancingStrategy strategy, IReadOnlyList<string> allowed, PassedOver passed,
        IReadOnlyList<Candidate> died, Priority priority, bool book)
    {
        long started = time.GetTimestamp();
        DateTimeOffset now = time.GetUtcNow();
        CandidateView view = snapshots.Current.Find(key);
        PassedOver avoided = Failover.Avoid(view, passed, died);
        double share = options.Value.Limits.ShareOf(priority);
        PickContext context = new(chance.Next(), now.ToUnixTimeSeconds())
        {
            Attempted = avoided.Lanes, LimitShare = share,
        };
        Candidate? picked = Balancer.Pick(view, strategy, ref context, book, out CandidateView from);
        if (picked is null && context.SkipsFull && avoided.Count > passed.Count)
        {
            // Zones that are only rather not asked are better than a wait.
            avoided = passed;
            context = new(chance.Next(), now.ToUnixTimeSeconds()) { Attempted = avoided.Lanes, LimitShare = share };
            picked = Balancer.Pick(view, strategy, ref context, book, out from);
        }
        metrics.DecisionDuration.Record(time.GetElapsedTime(started).TotalSeconds,
            new KeyValuePair<string, object?>("lepton.strategy", strategy.Name));
        AttemptDraft attempt = new(from, context.Trace, picked, now, book, context.SkipsFull ? share : 0)
        {
            PassedOver = avoided.Count == 0 ? PassedOver.Nobody : avoided.Copy(),
            Guarded = strategy is GuardedStrategy,
        };
        if (from.Panic)
            metrics.PanicPicks.Add(1);
        if (picked is not null)
            return new Place(picked, book ? new Reservation(picked.Lane, from.IsTrial, _freed) : null, attempt, null);
        if (context.SkipsFull)
            return new Place(null, null, attempt, null);
        RpcException error = view.ModelMayExist
            ? GatewayErrors.NoNodeAvailable(key.Model, allowed)
            : GatewayErrors.ModelUnknown(key.Model, key.Version);
        return new Place(null, null, attempt, error);
    }
}
