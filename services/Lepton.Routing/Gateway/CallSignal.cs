using System.Threading.Tasks.Sources;

namespace Lepton.Routing.Gateway;

/// <summary>
/// Wakes the one who looks after a request: an attempt has ended, an alarm is due, a place has gone. Signals that come
/// together wake it once; whoever waits looks at everything. No task and no closure a wait.
/// </summary>
internal sealed class CallSignal : IValueTaskSource
{
    private const int Idle = 0, Raised = 1, Awaited = 2;

    private ManualResetValueTaskSourceCore<bool> _source; // continues on the thread that signals: one hop less
    private int _state;

    /// <summary>Wakes whoever waits, or the next one who will.</summary>
    public void Raise()
    {
        while (true)
        {
            int seen = Volatile.Read(ref _state);
            if (seen == Raised)
                return;
            int next = seen == Idle ? Raised : Idle;
            if (Interlocked.CompareExchange(ref _state, next, seen) != seen)
                continue;
            if (seen == Awaited)
                _source.SetResult(true);
            return;
        }
    }

    /// <summary>Waits for a signal; one waits at a time.</summary>
    public ValueTask WaitAsync()
    {
        if (Interlocked.CompareExchange(ref _state, Idle, Raised) == Raised)
            return ValueTask.CompletedTask;
        _source.Reset();
        if (Interlocked.CompareExchange(ref _state, Awaited, Idle) == Idle)
            return new ValueTask(this, _source.Version);
        Volatile.Write(ref _state, Idle); // raised between the two looks
        return ValueTask.CompletedTask;
    }

    void IValueTaskSource.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}
