namespace Lepton.Inference.Execution;

/// <summary>A count and the time that the counted took together.</summary>
internal readonly record struct Tally(ulong Count, TimeSpan Time)
{
    public Tally Plus(TimeSpan time) => new(Count + 1, Time + time);

    public ulong Nanoseconds => (ulong)Time.Ticks * TimeSpan.NanosecondsPerTick;
}

/// <summary>
/// What a model did since it was loaded: Triton's counters. Success = queue + input + infer + output, exactly.
/// </summary>
internal sealed record StatisticsSnapshot
{
    public Tally Success { get; init; }

    public Tally Fail { get; init; }

    public Tally Queue { get; init; }

    public Tally ComputeInput { get; init; }

    public Tally ComputeInfer { get; init; }

    public Tally ComputeOutput { get; init; }

    public DateTimeOffset? LastInference { get; init; }

    /// <summary>Elements of the batch dimension served.</summary>
    public ulong InferenceCount { get; init; }

    public ulong ExecutionCount { get; init; }

    /// <summary>Moving average over executions; null before the first.</summary>
    public TimeSpan? ServiceTime { get; init; }
}

internal sealed class ModelStatistics(TimeProvider time)
{
    // A fifth for the newest: an average over about the last nine executions, quick to follow a change of load.
    private const double Newest = 0.2;
    private readonly object _lock = new();
    private readonly RequestRate _rate = new(time);
    private StatisticsSnapshot _now = new();

    public StatisticsSnapshot Snapshot()
    {
        lock (_lock)
            return _now;
    }

    public double RequestsPerSecond()
    {
        lock (_lock)
            return _rate.PerSecond();
    }

    public void Arrived()
    {
        lock (_lock)
            _rate.Count();
    }

    public void Succeeded(ExecutionClock clock, int batch)
    {
        var queue = clock.Between(clock.Enqueued, clock.Started);
        var input = clock.Between(clock.Started, clock.InputsReady);
        var infer = clock.Between(clock.InputsReady, clock.Executed);
        var output = clock.Between(clock.Executed, clock.Ended);
        lock (_lock)
        {
            _now = _now with
            {
                Success = _now.Success.Plus(queue + input + infer + output),
                Queue = _now.Queue.Plus(queue),
                ComputeInput = _now.ComputeInput.Plus(input),
                ComputeInfer = _now.ComputeInfer.Plus(infer),
                ComputeOutput = _now.ComputeOutput.Plus(output),
                LastInference = time.GetUtcNow(),
                InferenceCount = _now.InferenceCount + (ulong)batch,
                ExecutionCount = _now.ExecutionCount + 1,
                ServiceTime = Average(_now.ServiceTime, input + infer + output),
            };
        }
    }

    public void Failed(TimeSpan duration)
    {
        lock (_lock)
            _now = _now with { Fail = _now.Fail.Plus(duration) };
    }

    private static TimeSpan Average(TimeSpan? average, TimeSpan newest) =>
        average is { } a ? a + ((newest - a) * Newest) : newest;
}
