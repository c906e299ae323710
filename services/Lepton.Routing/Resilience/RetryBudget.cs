namespace Lepton.Routing.Resilience;

/// <summary>
/// What one model's second attempts may cost: over any 10 s at most <c>share</c> × its requests + <c>perSecond</c> ×
/// 10. Without it, a region that is slow is asked more the slower it gets. A window and not a bucket that fills for
/// ever: a quiet hour must not pay for a storm.
/// </summary>
/// <remarks>
/// One a model and router. A budget of the whole router would let one model's storm take the retries of all others
/// from them, just when a zone is lost and everybody needs a few.
/// </remarks>
internal sealed class RetryBudget(RetryOptions options, TimeProvider time)
{
    public const int WindowSeconds = 10;

    private readonly Slot[] _slots = new Slot[WindowSeconds];
    private readonly Lock _lock = new();
    private readonly long _start = time.GetTimestamp();
    private long _second; // of the slot that counts now; _lock

    private struct Slot
    {
        public int Requests;
        public int Spent;
    }

    /// <summary>Second attempts that may be made now.</summary>
    public double Left
    {
        get
        {
            lock (_lock)
            {
                Roll();
                return Sum();
            }
        }
    }

    /// <summary>One request came: it pays for a part of a retry.</summary>
    public void Deposit()
    {
        long second = Second();
        if (second != Volatile.Read(ref _second))
            lock (_lock)
                Roll();
        Interlocked.Increment(ref _slots[second % WindowSeconds].Requests);
    }

    /// <summary>Takes one second attempt; false: none is left.</summary>
    public bool TryTake()
    {
        lock (_lock)
        {
            Roll();
            if (Sum() < 1)
                return false;
            _slots[_second % WindowSeconds].Spent++;
            return true;
        }
    }

    private double Sum()
    {
        long requests = 0, spent = 0;
        for (int i = 0; i < _slots.Length; i++)
            (requests, spent) = (requests + Volatile.Read(ref _slots[i].Requests), spent + _slots[i].Spent);
        return (options.Share * requests) + (options.PerSecond * WindowSeconds) - spent;
    }

    private void Roll()
    {
        long now = Second();
        for (long second = Math.Max(_second + 1, now - WindowSeconds + 1); second <= now; second++)
            _slots[second % WindowSeconds] = default;
        Volatile.Write(ref _second, Math.Max(_second, now));
    }

    private long Second() => (long)time.GetElapsedTime(_start).TotalSeconds;
}
