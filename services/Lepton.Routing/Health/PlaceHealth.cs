using Lepton.Routing.Admission;
using Lepton.Routing.Balancing;

namespace Lepton.Routing.Health;

/// <summary>
/// The health of one place, a node or another region's router, over all of its models. Its lanes tell it of failures;
/// what goes well costs a request one read.
/// </summary>
internal sealed class PlaceHealth(string name, HealthMonitor monitor)
{
    private readonly Lock _lock = new();
    private readonly Backoff _backoff = monitor.NewEjectionBackoff();
    private int _run, _unreachableRun;
    private Lane? _lastFailed;
    private bool _severalModels;
    private volatile Ejection? _ejection;
    private long _startedAt = monitor.Time.GetTimestamp(), _wellSince = monitor.Time.GetTimestamp();

    /// <summary>The node's id, or the region's (router's) name.</summary>
    public string Name => name;

    /// <summary>Failures were the last that was heard of it.</summary>
    public bool InRun => Volatile.Read(ref _run) != 0;

    public Ejection? Ejection => _ejection;

    public Lane NewLane(string model) =>
        new(this, new Circuit(monitor.Options.Circuit.Failures, monitor.NewCircuitBackoff(), monitor.Time),
            new PlaceLimit(monitor.Options.Limits, monitor.Time, monitor.Pauses))
        {
            Model = model, PenaltyFactor = monitor.Options.Penalty.Factor,
        };

    /// <summary>What looks like a dead place may be this process just woken up.</summary>
    public bool Doubts(Outcome outcome) =>
        outcome is Outcome.TimedOut or Outcome.Unreachable && monitor.Pauses.InDoubt;

    /// <summary>A change in one of its models' circuits.</summary>
    public void Tell(Lane lane, HealthChange change) => monitor.Tell(this, lane, change);

    /// <summary>It begins to serve: slowly, if others can carry the rest.</summary>
    public void Begin()
    {
        lock (_lock)
        {
            _startedAt = _wellSince = monitor.Time.GetTimestamp();
            _ejection = null; // a new process, or a new life of it: tried again, its past is not forgotten
            EndRun();
        }
    }

    public void Answered()
    {
        lock (_lock)
            EndRun();
    }

    /// <summary>A failure of one of its models.</summary>
    public void Failed(Lane lane, Outcome outcome)
    {
        bool ejected = false;
        lock (_lock)
        {
            _run++;
            _severalModels |= _lastFailed is not null && _lastFailed != lane;
            _lastFailed = lane;
            _unreachableRun = outcome == Outcome.Unreachable ? _unreachableRun + 1 : 0;
            int max = monitor.Options.Ejection.ConsecutiveFailures;
            // Failures of one model only are that model's, and its circuit's.
            if (_unreachableRun >= max)
                ejected = TryEject(EjectionCause.ConsecutiveFailures, $"{_unreachableRun} connections failed in a row");
            else if (_severalModels && _run >= max)
                ejected = TryEject(EjectionCause.ConsecutiveFailures, $"{_run} failures in a row over several models");
        }
        if (ejected)
            monitor.Tell(this, lane, HealthChange.Ejected);
    }

    /// <summary>Ejects it on evidence over time.</summary>
    public void Eject(EjectionCause cause, string why, Lane lane)
    {
        bool ejected;
        lock (_lock)
            ejected = TryEject(cause, why);
        if (ejected)
            monitor.Tell(this, lane, HealthChange.Ejected);
    }

    /// <summary>Time passes: ejections end, and what went well for long enough is forgiven.</summary>
    public void Sweep()
    {
        bool returned = false;
        lock (_lock)
        {
            if (_ejection is { } ejection && monitor.Time.GetElapsedTime(ejection.At) >= ejection.For)
            {
                _ejection = null;
                _startedAt = _wellSince = monitor.Time.GetTimestamp();
                EndRun();
                returned = true;
            }
            else if (_ejection is null && _backoff.Ease(monitor.Time.GetElapsedTime(_wellSince)))
            {
                _wellSince = monitor.Time.GetTimestamp();
            }
        }
        if (returned)
            monitor.Tell(this, null, HealthChange.Returned);
    }

    public PlaceState ToState()
    {
        lock (_lock)
        {
            TimeSpan left = _ejection is { } e ? e.For - monitor.Time.GetElapsedTime(e.At) : TimeSpan.Zero;
            return new PlaceState(_ejection, left > TimeSpan.Zero ? left : TimeSpan.Zero, _backoff.Times, StartShare());
        }
    }

    private bool TryEject(EjectionCause cause, string why)
    {
        if (_ejection is not null)
            return false; // ends of requests that were under way when it was ejected
        _ejection = new Ejection(cause, why, monitor.Time.GetTimestamp(), _backoff.Next());
        return true;
    }

    private void EndRun() => (_run, _unreachableRun, _lastFailed, _severalModels) = (0, 0, null, false);

    private double StartShare()
    {
        SlowStartOptions options = monitor.Options.SlowStart;
        double window = options.Window.TotalSeconds;
        double age = monitor.Time.GetElapsedTime(_startedAt).TotalSeconds;
        return age >= window ? 1 : Math.Max(options.ShareMin / 100.0, age / window);
    }
}
