using System.Diagnostics.Metrics;
using Grpc.Core;
using Lepton.ServiceDefaults;

namespace Lepton.Sync.Homes;

/// <summary>What is counted of requests. Names and meanings are listed in README.md.</summary>
internal sealed class HomeMetrics
{
    private readonly Meter _meter;
    private readonly TimeProvider _time;
    private readonly Counter<long> _requests, _forwarded, _refused;
    private readonly Histogram<double> _duration;

    public HomeMetrics(IMeterFactory meters, TimeProvider time)
    {
        _time = time;
        _meter = meters.Create("Lepton.Sync");
        _requests = _meter.CreateCounter<long>("lepton.sync.requests", "{request}",
            "Calls of RecordService, by operation, level and outcome.");
        _duration = _meter.CreateHistogram<double>("lepton.sync.request.duration", "s",
            "A call of RecordService but for watches, by operation and level.");
        _forwarded = _meter.CreateCounter<long>("lepton.sync.forwarded", "{call}",
            "Calls that this node made to the home of what was asked for, by operation and lepton.node.");
        _refused = _meter.CreateCounter<long>("lepton.sync.home.refusals", "{request}",
            "What other nodes asked of this one as a home and it did not do, by reason.");
    }

    /// <summary>A call, its outcome (<c>ok</c>, or the reason in lower case) and how long it took.</summary>
    /// <param name="operation">E.g. <c>put</c>.</param>
    /// <param name="level">The write level or the consistency that was asked for, in lower case.</param>
    /// <param name="call">What is measured.</param>
    public async Task<T> MeasureAsync<T>(string operation, string level, Func<Task<T>> call)
    {
        var start = _time.GetTimestamp();
        var outcome = "ok";
        try
        {
            return await call();
        }
        catch (Exception e)
        {
            outcome = OutcomeOf(e);
            throw;
        }
        finally
        {
            Counted(operation, level, outcome);
            _duration.Record(_time.GetElapsedTime(start).TotalSeconds, Label("operation", operation),
                Label("level", level));
        }
    }

    /// <summary>A watch that ended.</summary>
    public void Watched(Exception? fault) => Counted("watch", "local", fault is null ? "ok" : OutcomeOf(fault));

    public void Forwarded(string operation, string node) =>
        _forwarded.Add(1, Label("operation", operation), Label("lepton.node", node));

    /// <summary>As a home for another node; only those reasons count that are of the map or the lease.</summary>
    public void Refused(HomeReason reason)
    {
        var label = reason switch
        {
            HomeReason.EpochStale => "epoch_stale",
            HomeReason.NotHome => "not_home",
            HomeReason.HomeUnavailable => "no_lease",
            _ => null,
        };
        if (label is not null)
            _refused.Add(1, Label("reason", label));
    }

    /// <summary>Adds what the read cache counts.</summary>
    public void Watch(ReadCache cache)
    {
        _meter.CreateObservableGauge(
            "lepton.sync.cache.entries", () => cache.Count, "{record}", "Records in the read cache.");
        _meter.CreateObservableCounter("lepton.sync.cache.reads", () => (Measurement<long>[])
        [
            new(cache.Hits, Label("outcome", "hit")), new(cache.Misses, Label("outcome", "miss")),
        ], "{read}", "Records looked for in the read cache, by outcome: hit, miss.");
    }

    /// <summary>Adds the gauge of watches.</summary>
    public void WatchWatches(Func<int> open) => _meter.CreateObservableGauge(
        "lepton.sync.watches", open, "{watch}", "Watches that are open.");

    /// <summary>Adds the gauge of the slots that this node is home of.</summary>
    public void WatchLease(Func<(int Held, int NotHeld)> slots) => _meter.CreateObservableGauge(
        "lepton.sync.lease.slots", () =>
        {
            var (held, notHeld) = slots();
            return (Measurement<int>[])
            [
                new(held, Label("state", "held")), new(notHeld, Label("state", "not_held")),
            ];
        }, "{slot}", "Slots that this node is home of, by state: held (it may serve them now), not_held.");

    private void Counted(string operation, string level, string outcome) => _requests.Add(
        1, Label("operation", operation), Label("level", level), Label("outcome", outcome));

    private static string OutcomeOf(Exception fault) => fault switch
    {
        RpcException e when RpcErrors.ReasonOf(e) is { } reason => reason.ToLowerInvariant(),
        RpcException e => e.StatusCode.ToString().ToLowerInvariant(),
        OperationCanceledException => "cancelled",
        _ when SyncErrors.OfFault(fault) is { } known => OutcomeOf(known),
        _ => "internal",
    };

    private static KeyValuePair<string, object?> Label(string name, string value) => new(name, value);
}
