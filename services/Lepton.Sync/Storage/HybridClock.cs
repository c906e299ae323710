using Microsoft.Extensions.Options;

namespace Lepton.Sync.Storage;

/// <summary>
/// A hybrid logical clock (Kulkarni et al., 2014): milliseconds since 1970 in the upper 48 bits, a counter in the lower
/// 16. Each value is greater than all before it and all observed; a full counter goes over into the milliseconds, so
/// that a burst, or a machine clock set back, never makes it wait or go back. Safe for many threads.
/// </summary>
internal sealed partial class HybridClock
{
    private const int CounterBits = 16;

    private readonly TimeProvider _time;
    private readonly TimeSpan _lagMax;
    private readonly ILogger<HybridClock> _logger;
    private long _last;
    private int _isBehind;

    public HybridClock(
        TimeProvider time, IOptions<StorageOptions> options, StorageMetrics metrics, ILogger<HybridClock> logger)
    {
        (_time, _lagMax, _logger) = (time, options.Value.ClockLagMax, logger);
        metrics.WatchClock(() => Lag.TotalSeconds);
    }

    /// <summary>The greatest value given or observed; 0: none yet.</summary>
    public long Last => Interlocked.Read(ref _last);

    /// <summary>How far the machine's clock is behind the greatest value; 0 where it is not.</summary>
    public TimeSpan Lag => LagOf(Last);

    /// <summary>The next value.</summary>
    /// <exception cref="OverflowException">The clock was driven beyond the year 6000 by what it observed.</exception>
    public long Next()
    {
        var physical = _time.GetUtcNow().ToUnixTimeMilliseconds() << CounterBits;
        for (var last = Last; ;)
        {
            var next = Math.Max(checked(last + 1), physical);
            var seen = Interlocked.CompareExchange(ref _last, next, last);
            if (seen == last)
            {
                Report(next);
                return next;
            }
            last = seen;
        }
    }

    /// <summary>What another clock gave: every later value is greater.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative: no clock gave that.</exception>
    public void Observe(long clock)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(clock);
        for (var last = Last; clock > last;)
        {
            var seen = Interlocked.CompareExchange(ref _last, clock, last);
            if (seen == last)
            {
                Report(clock);
                return;
            }
            last = seen;
        }
    }

    private TimeSpan LagOf(long clock)
    {
        var behind = (clock >> CounterBits) - _time.GetUtcNow().ToUnixTimeMilliseconds();
        return TimeSpan.FromMilliseconds(Math.Max(behind, 0));
    }

    // Once when it begins and once when it is over.
    private void Report(long clock)
    {
        var lag = LagOf(clock);
        var isBehind = lag > _lagMax ? 1 : 0;
        if (Volatile.Read(ref _isBehind) == isBehind || Interlocked.Exchange(ref _isBehind, isBehind) == isBehind)
            return;
        if (isBehind == 1)
            LogBehind(lag);
        else
            LogBehindNoMore();
    }

    [LoggerMessage(LogLevel.Warning,
        "This machine's clock is {Lag} behind the greatest version seen: versions count on from there")]
    private partial void LogBehind(TimeSpan lag);

    [LoggerMessage(LogLevel.Information, "This machine's clock has caught up with the greatest version seen")]
    private partial void LogBehindNoMore();
}
