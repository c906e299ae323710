namespace Lepton.Routing.Health;

/// <summary>Whether one model at one place is asked.</summary>
internal enum CircuitState
{
    /// <summary>It is.</summary>
    Closed,

    /// <summary>It is not, until its time has passed.</summary>
    Open,

    /// <summary>The next request is the trial.</summary>
    HalfOpen,

    /// <summary>One request is on trial there.</summary>
    Trial,
}

/// <summary>
/// The circuit breaker of one model at one place (Nygard, Release It! 2007): failures in a row open it, one trial at a
/// time goes through after a growing time, an answer closes it. Its methods return true when they changed who is asked.
/// </summary>
internal sealed class Circuit(int failuresMax, Backoff backoff, TimeProvider time)
{
    private readonly Lock _lock = new();
    private volatile CircuitState _state;
    private long _since;

    public CircuitState State => _state;

    /// <summary>What opened it last.</summary>
    public string Why { get; private set; } = "";

    /// <summary>How often it opened, less what is forgiven.</summary>
    public int Times => backoff.Times;

    /// <summary>Time to the next trial; zero unless open.</summary>
    public TimeSpan Left
    {
        get
        {
            lock (_lock)
                return _state == CircuitState.Open && backoff.Last - time.GetElapsedTime(_since) is
                    { Ticks: > 0 } left ? left : TimeSpan.Zero;
        }
    }

    /// <summary>A failure, the <paramref name="run"/>th in a row; of the trial itself or of another request.</summary>
    public bool Fail(int run, bool trial)
    {
        lock (_lock)
        {
            if (trial && _state == CircuitState.Trial)
                Open("the trial failed");
            else if (_state == CircuitState.Closed && run >= failuresMax)
                Open($"{run} failures in a row");
            else
                return false;
            return true;
        }
    }

    /// <summary>Opens it for a reason other than failures in a row.</summary>
    public bool Trip(string why)
    {
        lock (_lock)
        {
            if (_state != CircuitState.Closed)
                return false;
            Open(why);
            return true;
        }
    }

    /// <summary>Makes the caller's request the trial, or says that another is.</summary>
    public bool TryTrial()
    {
        if (_state != CircuitState.HalfOpen)
            return false;
        lock (_lock)
        {
            if (_state != CircuitState.HalfOpen)
                return false;
            _state = CircuitState.Trial;
            return true;
        }
    }

    /// <summary>The trial was answered.</summary>
    public bool Close()
    {
        lock (_lock)
        {
            if (_state != CircuitState.Trial)
                return false;
            (_state, _since) = (CircuitState.Closed, time.GetTimestamp());
            return true;
        }
    }

    /// <summary>The trial ended without saying anything of the place: the next request is one.</summary>
    public void Retry()
    {
        lock (_lock)
            if (_state == CircuitState.Trial)
                _state = CircuitState.HalfOpen;
    }

    /// <summary>Time passes.</summary>
    public bool Sweep()
    {
        if (_state == CircuitState.Closed && backoff.Times == 0)
            return false;
        lock (_lock)
        {
            TimeSpan since = time.GetElapsedTime(_since);
            if (_state == CircuitState.Closed && backoff.Ease(since))
                _since = time.GetTimestamp();
            if (_state != CircuitState.Open || since < backoff.Last)
                return false;
            _state = CircuitState.HalfOpen;
            return true;
        }
    }

    private void Open(string why)
    {
        backoff.Next();
        (_state, _since, Why) = (CircuitState.Open, time.GetTimestamp(), why);
    }
}
