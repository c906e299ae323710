namespace Lepton.Sync.Waiting;

/// <summary>
/// One at a time, in the order in which they came. Unlike a SemaphoreSlim it lets whoever waits go on where it awaited,
/// by way of no other thread: so that a simulation has one order of things.
/// </summary>
internal sealed class AsyncGate
{
    private readonly Lock _state = new();
    private readonly Queue<TaskCompletionSource> _waiting = new();
    private bool _isTaken;

    /// <summary>Returns when the turn is the caller's: it calls <see cref="Release"/> once.</summary>
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return Task.FromCanceled(cancellationToken);
        TaskCompletionSource turn;
        lock (_state)
        {
            if (!_isTaken)
            {
                _isTaken = true;
                return Task.CompletedTask;
            }
            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(turn);
        }
        return cancellationToken.CanBeCanceled ? WaitAsync(turn, cancellationToken) : turn.Task;
    }

    /// <summary>The next one's turn.</summary>
    public void Release()
    {
        lock (_state)
        {
            // Who gave up meanwhile is passed over; nobody's code runs in here.
            while (_waiting.TryDequeue(out var next))
                if (next.TrySetResult())
                    return;
            _isTaken = false;
        }
    }

    private static async Task WaitAsync(TaskCompletionSource turn, CancellationToken cancellationToken)
    {
        await using (cancellationToken.UnsafeRegister(
            static (waiting, token) => (waiting as TaskCompletionSource)?.TrySetCanceled(token), turn))
            await turn.Task;
    }
}
