namespace Lepton.Inference.Execution;

/// <summary>
/// A model's bounded queue. Real-time work is taken before batch work; when it is full, a real-time item takes the
/// place of the youngest batch item. Instance threads block in <see cref="Take"/>.
/// </summary>
internal sealed class WorkQueue(int capacity)
{
    private readonly LinkedList<WorkItem> _realtime = new();
    private readonly LinkedList<WorkItem> _batch = new();
    private readonly object _lock = new();
    private int _idle;
    private bool _closed;

    public int Capacity { get; } = capacity;

    public int Count
    {
        get
        {
            lock (_lock)
                return _realtime.Count + _batch.Count;
        }
    }

    public bool IsClosed
    {
        get
        {
            lock (_lock)
                return _closed;
        }
    }

    public Admission TryAdd(WorkItem item)
    {
        lock (_lock)
        {
            if (_closed)
                return Admission.Closed;
            WorkItem? displaced = null;
            // An idle instance takes the item at once, so it does not wait and needs no place.
            if (_realtime.Count + _batch.Count >= Capacity + _idle)
            {
                if (item.Call.Priority != Priority.Realtime || _batch.Last is not { } youngest)
                    return Admission.Full;
                displaced = youngest.Value;
                _batch.RemoveLast();
            }
            Lane(item).AddLast(item.Node);
            Monitor.Pulse(_lock);
            return new Admission(Accepted: true, displaced);
        }
    }

    /// <summary>True when the item was still waiting; it is nobody else's then.</summary>
    public bool TryRemove(WorkItem item)
    {
        lock (_lock)
        {
            if (item.Node.List is not { } lane)
                return false;
            lane.Remove(item.Node);
            return true;
        }
    }

    /// <summary>The next item; waits for one. Null: closed and empty.</summary>
    public WorkItem? Take()
    {
        lock (_lock)
        {
            while (true)
            {
                if (First(_realtime) is { } realtime)
                    return realtime;
                if (First(_batch) is { } batch)
                    return batch;
                if (_closed)
                    return null;
                _idle++;
                Monitor.Wait(_lock);
                _idle--;
            }
        }
    }

    /// <summary>Takes nothing more; what waits is still served.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            Monitor.PulseAll(_lock);
        }
    }

    private LinkedList<WorkItem> Lane(WorkItem item) => item.Call.Priority == Priority.Realtime ? _realtime : _batch;

    private static WorkItem? First(LinkedList<WorkItem> lane)
    {
        if (lane.First is not { } first)
            return null;
        lane.RemoveFirst();
        return first.Value;
    }
}

/// <summary>What became of an item offered to a queue.</summary>
/// <param name="Accepted">It waits now.</param>
/// <param name="Displaced">The batch item that lost its place to it.</param>
internal readonly record struct Admission(bool Accepted, WorkItem? Displaced = null, bool IsClosed = false)
{
    public static readonly Admission Full = new(Accepted: false);
    public static readonly Admission Closed = new(Accepted: false, IsClosed: true);
}
