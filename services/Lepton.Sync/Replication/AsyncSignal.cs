namespace Lepton.Sync.Replication;

/// <summary>
/// Wakes everyone who waits at this moment. Take <see cref="Next"/> before looking, so that nothing is missed. Whoever
/// waits goes on beside the one who set it, never inside, and leaves nothing behind when he goes for another reason.
/// </summary>
internal sealed class AsyncSignal
{
    private readonly Lock _state = new();
    private List<TaskCompletionSource> _waiting = [];
    private long _count;

    /// <summary>The next <see cref="Set"/> from now on.</summary>
    public Moment Next => new(this, Interlocked.Read(ref _count));

    public void Set()
    {
        List<TaskCompletionSource> reached;
        lock (_state)
        {
            _count++;
            if (_waiting.Count == 0)
                return;
            (reached, _waiting) = (_waiting, []);
        }
        foreach (var waiter in reached)
            waiter.TrySetResult();
    }

    /// <summary>Waits for the first of these, and no longer than a time.</summary>
    public static async Task WaitAnyAsync(
        Moment first, Moment second, TimeSpan timeMax, TimeProvider time, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (timeMax <= TimeSpan.Zero)
            return;
        TaskCompletionSource waiter = new(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            if (!first.Signal.TryAdd(waiter, first.Count) || !second.Signal.TryAdd(waiter, second.Count))
                return;
            await using var timer = time.CreateTimer(
                static waiting => (waiting as TaskCompletionSource)?.TrySetResult(), waiter, timeMax,
                Timeout.InfiniteTimeSpan);
            await EndedAsync(waiter, cancellationToken);
        }
        finally
        {
            first.Signal.Remove(waiter);
            second.Signal.Remove(waiter);
        }
    }

    private async Task WaitAsync(long count, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        TaskCompletionSource waiter = new(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!TryAdd(waiter, count))
            return;
        try
        {
            await EndedAsync(waiter, cancellationToken);
        }
        finally
        {
            Remove(waiter);
        }
    }

    private static async Task EndedAsync(TaskCompletionSource waiter, CancellationToken cancellationToken)
    {
        await using (cancellationToken.UnsafeRegister(
            static (waiting, token) => (waiting as TaskCompletionSource)?.TrySetCanceled(token), waiter))
            await waiter.Task;
    }

    /// <summary>False: it was set since.</summary>
    private bool TryAdd(TaskCompletionSource waiter, long count)
    {
        lock (_state)
        {
            if (_count != count)
                return false;
            _waiting.Add(waiter);
            return true;
        }
    }

    private void Remove(TaskCompletionSource waiter)
    {
        lock (_state)
            _waiting.Remove(waiter);
    }

    /// <summary>A place in a signal's time: it is over as soon as the signal is set after it.</summary>
    internal readonly record struct Moment(AsyncSignal Signal, long Count)
    {
        public Task WaitAsync(CancellationToken cancellationToken) => Signal.WaitAsync(Count, cancellationToken);
    }
}
