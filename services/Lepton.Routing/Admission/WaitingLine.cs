namespace Lepton.Routing.Admission;

/// <summary>One that waits in a <see cref="WaitingLine"/>.</summary>
/// <param name="tryTake">Takes what it waits for; false: not there yet. Called under the line's lock.</param>
internal sealed class Waiter(Func<bool> tryTake, Priority priority)
{
    private readonly TaskCompletionSource _served = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Priority Priority { get; } = priority;

    /// <summary>Completes when it has what it waited for.</summary>
    public Task Served => _served.Task;

    public bool TryServe()
    {
        if (!tryTake())
            return false;
        _served.SetResult();
        return true;
    }
}

/// <summary>
/// Requests that wait for something that others give back: the higher class first, each class in order of arrival.
/// What is freed is handed to the first in line, so that who comes later does not take it away from it. The first that
/// can't be served holds up those behind: one that needs much is not passed by for ever by those that need little.
/// </summary>
internal sealed class WaitingLine(TimeSpan waitMax, TimeProvider time)
{
    // While a line stands, more patience serves nobody sooner and everybody later (Nichols and Jacobson, CoDel, 2012;
    // Maurer, Fail at Scale, 2015).
    private const double StandingShare = 0.1;

    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter>[] _waiting = [new(), new()]; // by class
    private int _count, _realtime;
    private long _emptyAt = time.GetTimestamp();

    public int Count => Volatile.Read(ref _count);

    /// <summary>How long it makes sense to wait: less when the line was not empty for that long.</summary>
    public TimeSpan Patience =>
        Count > 0 && time.GetElapsedTime(Volatile.Read(ref _emptyAt)) > waitMax ? waitMax * StandingShare : waitMax;

    /// <summary>Somebody waits who goes before a newcomer of this class.</summary>
    public bool IsBefore(Priority newcomer) =>
        (newcomer == Priority.Realtime ? Volatile.Read(ref _realtime) : Count) > 0;

    /// <summary>Joins the line, or is served at once where nobody goes before.</summary>
    public Waiter Join(Func<bool> tryTake, Priority priority)
    {
        Waiter waiter = new(tryTake, priority);
        lock (_lock)
        {
            bool first = !IsBefore(priority);
            if (_count == 0)
                Volatile.Write(ref _emptyAt, time.GetTimestamp());
            // Counted before it looks: what is freed between the two is seen by the one or served by the other.
            Change(priority, 1);
            if (first && waiter.TryServe())
                Change(priority, -1);
            else
                _waiting[(int)priority].AddLast(waiter);
        }
        return waiter;
    }

    /// <summary>Gives up; false: it was served before it could.</summary>
    public bool Leave(Waiter waiter)
    {
        lock (_lock)
        {
            if (waiter.Served.IsCompleted)
                return false;
            _waiting[(int)waiter.Priority].Remove(waiter);
            Change(waiter.Priority, -1);
        }
        Serve(); // it may have held up those behind
        return true;
    }

    /// <summary>Something was freed: serves whom it serves.</summary>
    /// <param name="least">Nobody of a lower class than this.</param>
    public void Serve(Priority least = Priority.Batch)
    {
        if (Count == 0)
            return;
        lock (_lock)
            while (First(least) is { } line && line.First is { } first && first.Value.TryServe())
            {
                line.RemoveFirst();
                Change(first.Value.Priority, -1);
            }
    }

    /// <summary>Joins and waits; false: not served within its patience.</summary>
    public async Task<bool> WaitAsync(
        Func<bool> tryTake, Priority priority, TimeSpan timeLeft, CancellationToken cancellation)
    {
        TimeSpan most = Patience < timeLeft ? Patience : timeLeft;
        Waiter waiter = Join(tryTake, priority);
        try
        {
            await waiter.Served.WaitAsync(most > TimeSpan.Zero ? most : TimeSpan.Zero, time, cancellation);
            return true;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            return !Leave(waiter);
        }
    }

    private LinkedList<Waiter>? First(Priority least)
    {
        for (int i = 0; i <= (int)least; i++)
            if (_waiting[i].Count > 0)
                return _waiting[i];
        return null;
    }

    private void Change(Priority priority, int by)
    {
        Interlocked.Add(ref _count, by);
        if (priority == Priority.Realtime)
            Interlocked.Add(ref _realtime, by);
    }
}
