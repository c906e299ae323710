namespace Lepton.Inference.Execution;

/// <summary>When each part of one execution ended, in timestamps of the service's TimeProvider.</summary>
internal sealed class ExecutionClock(TimeProvider time)
{
    public long Enqueued { get; } = time.GetTimestamp();

    public long Started { get; private set; }

    public long InputsReady { get; private set; }

    public long Executed { get; private set; }

    public long Ended { get; private set; }

    public void Start() => Started = InputsReady = Executed = Ended = time.GetTimestamp();

    public void MarkInputsReady() => InputsReady = Executed = Ended = time.GetTimestamp();

    public void MarkExecuted() => Executed = Ended = time.GetTimestamp();

    public void End() => Ended = time.GetTimestamp();

    public TimeSpan Between(long from, long to) => time.GetElapsedTime(from, to);
}
