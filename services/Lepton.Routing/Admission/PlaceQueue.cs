using System.Collections.Concurrent;
using Lepton.Routing.Balancing;
using Lepton.Routing.Gateway;
using Lepton.Routing.Registry;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Admission;

/// <summary>
/// Requests whose allowed places are all at their limits: they wait here, in one line for each model and set of
/// regions, until a request ends at one of those places. Lines of one model take turns.
/// </summary>
internal sealed class PlaceQueue : IDisposable
{
    // Limits rise and places come without a request's end: looked at this often while somebody waits.
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<string, Line[]> _lines = new(StringComparer.Ordinal);
    private readonly AdmissionMetrics _metrics;
    private readonly LimitOptions _limits;
    private readonly TimeProvider _time;
    private readonly ITimer _look;
    private int _count;
    private int _turn;

    public PlaceQueue(AdmissionMetrics metrics, IOptions<RoutingOptions> options, TimeProvider time)
    {
        (_metrics, _limits, _time) = (metrics, options.Value.Limits, time);
        _look = time.CreateTimer(static queue => (queue as PlaceQueue)?.ServeAll(), this, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    /// <summary>Requests that wait now.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Somebody waits for the same places who goes first.</summary>
    public bool IsBefore(GatewayCall call) => Count > 0 && Find(call.Key)?.IsBefore(call.Priority) == true;

    /// <summary>Waits until <paramref name="tryTake"/> has succeeded; false: not in time, or too many wait.</summary>
    public async Task<bool> WaitAsync(GatewayCall call, Func<bool> tryTake)
    {
        int count = Interlocked.Increment(ref _count);
        long started = _time.GetTimestamp();
        string outcome = "refused";
        _metrics.Waiting.Add(1);
        try
        {
            if (count > _limits.WaitCountMax * _limits.ShareOf(call.Priority) || _limits.WaitMax == TimeSpan.Zero)
                return false;
            if (count == 1)
                _look.Change(LookEvery, LookEvery);
            outcome = "timed_out";
            bool served = await LineFor(call.Key).WaitAsync(tryTake, call.Priority, call.TimeLeft, call.Cancellation);
            outcome = served ? "served" : outcome;
            return served;
        }
        finally
        {
            if (Interlocked.Decrement(ref _count) == 0)
                _look.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _metrics.Waiting.Add(-1);
            _metrics.WaitDuration.Record(_time.GetElapsedTime(started).TotalSeconds,
                new KeyValuePair<string, object?>("lepton.outcome", outcome));
        }
    }

    /// <summary>A request has ended there.</summary>
    public void Freed(Lane lane)
    {
        if (Count > 0 && _lines.TryGetValue(lane.Model, out Line[]? lines))
            Serve(lines);
    }

    public void Dispose() => _look.Dispose();

    private void ServeAll()
    {
        foreach (Line[] lines in _lines.Values)
            Serve(lines);
    }

    private void Serve(Line[] lines)
    {
        int turn = Interlocked.Increment(ref _turn) & int.MaxValue;
        foreach (Priority least in (ReadOnlySpan<Priority>)[Priority.Realtime, Priority.Batch])
            for (int i = 0; i < lines.Length; i++)
                lines[(turn + i) % lines.Length].Waiting.Serve(least);
    }

    private WaitingLine? Find(in ViewKey key)
    {
        if (_lines.TryGetValue(key.Model, out Line[]? lines))
            foreach (Line line in lines)
                if (line.Key == key)
                    return line.Waiting;
        return null;
    }

    // A line stays: there are as many as models that had a place, times the sets of regions that the policy can make.
    private WaitingLine LineFor(ViewKey key)
    {
        if (Find(key) is { } known)
            return known;
        Line[] lines = _lines.AddOrUpdate(key.Model,
            static (_, s) => [s],
            static (_, old, s) => old.Any(l => l.Key == s.Key) ? old : [.. old, s],
            new Line(key, new WaitingLine(_limits.WaitMax, _time)));
        return lines.First(l => l.Key == key).Waiting;
    }

    private sealed record Line(ViewKey Key, WaitingLine Waiting);
}
