using System.Collections.Concurrent;

namespace Lepton.Compliance.Client.Intrusion;

/// <summary>
/// Who is locked, and until when. Asked at every authentication: a look-up takes no lock and allocates nothing.
/// A lock ends by itself; nothing makes one longer while it holds.
/// </summary>
public sealed class PrincipalLocks
{
    private readonly ConcurrentDictionary<string, long> _untilTicks = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly int _max;

    internal PrincipalLocks(TimeProvider time, int max) => (_time, _max) = (time, max);

    /// <summary>Locks that hold now.</summary>
    public int Count
    {
        get
        {
            long now = _time.GetUtcNow().UtcTicks;
            return _untilTicks.Count(l => l.Value > now);
        }
    }

    /// <summary>Whether the principal is locked now.</summary>
    /// <param name="principal">As in events.</param>
    /// <param name="until">When the lock ends; default when there is none.</param>
    public bool IsLocked(string principal, out DateTimeOffset until)
    {
        ArgumentNullException.ThrowIfNull(principal);
        until = default;
        if (!_untilTicks.TryGetValue(SecurityEvent.Safe(principal), out long ticks)
            || ticks <= _time.GetUtcNow().UtcTicks)
            return false;
        until = new DateTimeOffset(ticks, TimeSpan.Zero);
        return true;
    }

    /// <summary>Ends a lock before its time. False: there was none.</summary>
    public bool Unlock(string principal)
    {
        ArgumentNullException.ThrowIfNull(principal);
        lock (_gate)
            return _untilTicks.TryRemove(SecurityEvent.Safe(principal), out long ticks)
                && ticks > _time.GetUtcNow().UtcTicks;
    }

    /// <summary>Locks a principal that is not locked.</summary>
    internal LockOutcome Lock(string principal, TimeSpan duration)
    {
        string name = SecurityEvent.Safe(principal);
        lock (_gate)
        {
            DateTimeOffset now = _time.GetUtcNow();
            if (_untilTicks.TryGetValue(name, out long ticks) && ticks > now.UtcTicks)
                return LockOutcome.Held;
            if (_untilTicks.Count >= _max)
                RemoveEnded(now);
            // Nobody else's lock is given up for this one.
            if (_untilTicks.Count >= _max && !_untilTicks.ContainsKey(name))
                return LockOutcome.Full;
            _untilTicks[name] = (now + duration).UtcTicks;
            return LockOutcome.Made;
        }
    }

    private void RemoveEnded(DateTimeOffset now)
    {
        foreach ((string principal, long ticks) in _untilTicks)
            if (ticks <= now.UtcTicks)
                _untilTicks.TryRemove(principal, out _);
    }
}

/// <summary>What became of a wish to lock.</summary>
internal enum LockOutcome
{
    Made,
    Held,
    Full,
}
