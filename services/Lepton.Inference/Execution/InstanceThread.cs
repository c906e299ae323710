namespace Lepton.Inference.Execution;

/// <summary>
/// A thread that owns one model instance. Models run on threads of their own: a run takes milliseconds of computing,
/// and on the thread pool it would keep the connections' work waiting.
/// </summary>
internal sealed class InstanceThread
{
    private readonly IModelInstance _instance;
    private readonly WorkQueue _queue;
    private readonly Action<WorkItem, IModelInstance> _execute;
    private readonly Thread _thread;
    private readonly object _lock = new();
    private WorkItem? _current;

    public InstanceThread(
        string name, IModelInstance instance, WorkQueue queue, Action<WorkItem, IModelInstance> execute)
    {
        (_instance, _queue, _execute) = (instance, queue, execute);
        _thread = new Thread(Loop) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Makes the execution of <paramref name="item"/> end soon, if it runs here and now.</summary>
    public void Abort(WorkItem item)
    {
        lock (_lock)
        {
            if (ReferenceEquals(_current, item))
                _instance.Abort();
        }
    }

    public bool Join(TimeSpan limit) => _thread.Join(limit);

    private void Loop()
    {
        while (_queue.Take() is { } item)
        {
            SetCurrent(item);
            try
            {
                _execute(item, _instance);
            }
            finally
            {
                SetCurrent(null);
            }
        }
        _instance.Dispose();
    }

    private void SetCurrent(WorkItem? item)
    {
        lock (_lock)
            _current = item;
    }
}
