namespace Lepton.Simulation.Sync;

/// <summary>
/// One run of a program on a <see cref="SimulatedMachine"/>: what it awaits goes on in it alone. Killed, it stops where
/// it is, whatever it waits for; stopped, it goes on later, and time has passed.
/// </summary>
internal sealed class SimulatedProcess : SynchronizationContext
{
    private readonly SimulatedMachine _machine;
    private readonly List<(SendOrPostCallback Callback, object? State)> _held = [];
    private readonly List<Action> _atEnd = [];
    private bool _isStopped;

    /// <param name="machine">What it runs on.</param>
    /// <param name="clockOffset">By how much its wall clock is ahead.</param>
    public SimulatedProcess(SimulatedMachine machine, TimeSpan clockOffset)
    {
        _machine = machine;
        Time = new Clock(this, clockOffset);
    }

    public TimeProvider Time { get; }

    public bool IsAlive { get; private set; } = true;

    public void Kill()
    {
        IsAlive = false;
        _held.Clear();
        foreach (var act in _atEnd)
            act();
        _atEnd.Clear();
    }

    /// <summary>Ends when it is killed.</summary>
    public Task EndAsync()
    {
        TaskCompletionSource end = new();
        if (IsAlive)
            _atEnd.Add(end.SetResult);
        else
            end.SetResult();
        return end.Task;
    }

    /// <summary>SIGSTOP.</summary>
    public void Stop() => _isStopped = true;

    /// <summary>SIGCONT.</summary>
    public void Continue()
    {
        _isStopped = false;
        foreach (var (callback, state) in _held)
            Post(callback, state);
        _held.Clear();
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (!IsAlive)
            return;
        if (_isStopped)
            _held.Add((d, state));
        else
            _machine.Post(_ => Go(d, state), null);
    }

    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("Nothing may block in a simulation.");

    /// <summary>Has it do something.</summary>
    /// <exception cref="IOException">It was killed before that was done.</exception>
    public Task<T> RunAsync<T>(Func<Task<T>> work)
    {
        TaskCompletionSource<T> result = new();
        if (!IsAlive)
            return Task.FromException<T>(new IOException("The simulated process is not there."));
        _atEnd.Add(() => result.TrySetException(new IOException("The simulated process was killed.")));
        Post(async void (_) =>
        {
            try
            {
                result.SetResult(await work());
            }
            catch (Exception e)
            {
                result.SetException(e); // whoever asked hears it
            }
        }, null);
        return result.Task;
    }

    private void Go(SendOrPostCallback callback, object? state)
    {
        if (!IsAlive)
            return;
        if (_isStopped)
        {
            _held.Add((callback, state));
            return;
        }
        var before = Current;
        SetSynchronizationContext(this);
        try
        {
            callback(state);
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    private sealed class Clock(SimulatedProcess process, TimeSpan offset) : TimeProvider
    {
        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => process._machine.Time.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => process._machine.Time.GetUtcNow() + offset;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            new ProcessTimer(process, callback, state, dueTime, period);
    }

    private sealed class ProcessTimer : ITimer
    {
        private readonly SimulatedProcess _process;
        private readonly TimerCallback _callback;
        private readonly object? _state;
        private readonly ITimer _timer;
        private bool _isOver, _isPosted;

        public ProcessTimer(
            SimulatedProcess process, TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            (_process, _callback, _state) = (process, callback, state);
            _timer = process._machine.Time.CreateTimer(_ => Fire(), null, Timeout.InfiniteTimeSpan, period);
            _timer.Change(dueTime, period);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => _timer.Change(dueTime, period);

        public void Dispose()
        {
            _isOver = true;
            _timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }

        private void Fire()
        {
            if (!_process.IsAlive)
                _timer.Dispose(); // else a periodic one would go on for nobody
            if (_isPosted)
                return;
            _isPosted = true;
            _process.Post(_ =>
            {
                _isPosted = false;
                if (!_isOver)
                    _callback(_state);
            }, null);
        }
    }
}
