namespace Lepton.Simulation.Sync;

/// <summary>
/// One thread and a clock that jumps: whatever is awaited goes on here, in an order that is drawn, and time passes only
/// when nothing else can happen. The same seed, the same run.
/// </summary>
internal sealed class SimulatedMachine : SynchronizationContext
{
    private readonly Random _random;
    private readonly List<(SendOrPostCallback Callback, object? State)> _ready = [];
    private readonly PriorityQueue<SimulatedTimer, (long Due, long Turn)> _timers = new();
    private readonly long _start;
    private volatile string? _stray;
    private int _thread;
    private long _now;
    private long _turn;

    public SimulatedMachine(Random random, DateTimeOffset start)
    {
        (_random, _start) = (random, start.UtcTicks);
        Time = new Clock(this);
    }

    /// <summary>The clock, for everything that is simulated.</summary>
    public TimeProvider Time { get; }

    /// <summary>Since the start.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks(_now);

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (_thread != 0 && _thread != Environment.CurrentManagedThreadId)
            _stray ??= Environment.StackTrace;
        else
            _ready.Add((d, state));
    }

    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("Nothing may block in a simulation.");

    /// <summary>How many things have happened: equal runs have equal counts.</summary>
    public long Steps { get; private set; }

    /// <summary>After each thing that happened.</summary>
    public Action? Stepped { get; set; }

    /// <summary>Begins something that belongs to no process: the network, a disk, a database server.</summary>
    public T Outside<T>(Func<T> begin)
    {
        var before = Current;
        SetSynchronizationContext(this);
        try
        {
            return begin();
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    /// <summary>Runs a program to its end; what else was begun stops where it is.</summary>
    /// <exception cref="TimeoutException">It took longer than <paramref name="limit"/>, or nothing would ever happen
    /// again.</exception>
    public void Run(Func<Task> program, TimeSpan limit)
    {
        var before = Current;
        SetSynchronizationContext(this);
        _thread = Environment.CurrentManagedThreadId;
        try
        {
            var end = program();
            while (!end.IsCompleted)
            {
                if (!TryStep(limit))
                    throw new TimeoutException($"Not done after {Elapsed}; {_timers.Count} timers wait.");
                if (_stray is { } stray)
                    throw new InvalidOperationException("Something went on on another thread: no run is like "
                        + "another. Waits must not go by way of the thread pool.\n" + stray);
                Steps++;
                Stepped?.Invoke();
            }
            end.GetAwaiter().GetResult();
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    private bool TryStep(TimeSpan limit)
    {
        if (_ready.Count > 0)
        {
            var i = _random.Next(_ready.Count);
            var (callback, state) = _ready[i];
            _ready.RemoveAt(i);
            callback(state);
            return true;
        }
        while (_timers.TryDequeue(out var timer, out var at))
        {
            if (!timer.IsDue(at.Turn))
                continue; // it was changed or ended since
            if (at.Due > limit.Ticks)
                return false;
            _now = Math.Max(_now, at.Due);
            timer.Fire();
            return true;
        }
        return false;
    }

    private sealed class Clock(SimulatedMachine machine) : TimeProvider
    {
        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => machine._now;

        public override DateTimeOffset GetUtcNow() => new(machine._start + machine._now, TimeSpan.Zero);

        public override ITimer CreateTimer(
            TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            SimulatedTimer timer = new(machine, callback, state);
            timer.Change(dueTime, period);
            return timer;
        }
    }

    private sealed class SimulatedTimer(SimulatedMachine machine, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;
        private long _turn;

        public bool IsDue(long turn) => _turn == turn;

        public void Fire()
        {
            _turn = 0;
            if (_period > TimeSpan.Zero && _period != Timeout.InfiniteTimeSpan)
                Change(_period, _period);
            callback(state);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _period = period;
            _turn = 0;
            if (dueTime == Timeout.InfiniteTimeSpan)
                return true;
            _turn = ++machine._turn;
            machine._timers.Enqueue(this, (machine._now + dueTime.Ticks, _turn));
            return true;
        }

        public void Dispose() => _turn = 0;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
