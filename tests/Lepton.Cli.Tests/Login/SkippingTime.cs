using System.Collections.Concurrent;

namespace Lepton.Cli.Tests.Login;

/// <summary>A clock on which every wait is over at once, and the time has passed that was waited for.</summary>
internal sealed class SkippingTime : TimeProvider
{
    private long ticks = DateTimeOffset.UtcNow.UtcTicks; // gRPC reads deadlines by the machine's clock

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>What was waited for, in order.</summary>
    public ConcurrentQueue<TimeSpan> Waits { get; } = [];

    /// <summary>Called before a wait is over.</summary>
    public Action<TimeSpan> Waiting { get; set; } = _ => { };

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref ticks), TimeSpan.Zero);

    public override long GetTimestamp() => Interlocked.Read(ref ticks);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Timer timer = new();
        if (dueTime >= TimeSpan.Zero)
        {
            ThreadPool.QueueUserWorkItem(_ =>
            {
                Waits.Enqueue(dueTime);
                Waiting(dueTime);
                Interlocked.Add(ref ticks, dueTime.Ticks);
                if (!timer.IsStopped)
                    callback(state);
            });
        }

        return timer;
    }

    private sealed class Timer : ITimer
    {
        public bool IsStopped { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() => IsStopped = true;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
