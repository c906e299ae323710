using Lepton.Sync.Storage;
using Lepton.Testing;
using Microsoft.Extensions.Logging;

namespace Lepton.Sync.Tests.Storage;

/// <summary>S4: versions only grow, whatever the machine's clock does.</summary>
public sealed class HybridClockTests : IAsyncDisposable
{
    private static readonly DateTimeOffset now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly long nowMilliseconds = now.ToUnixTimeMilliseconds();

    private readonly MovableTime _time = new(now);
    private readonly ReportLog _log = new();
    private readonly TestStorage _storage;
    private readonly HybridClock _clock;

    public HybridClockTests()
    {
        _storage = new TestStorage("", time: _time);
        _clock = _storage.Clock(_log);
    }

    public ValueTask DisposeAsync() => _storage.DisposeAsync();

    [Fact]
    public void Next_TimePasses_MillisecondsAboveAndACounterBelow()
    {
        Assert.Equal(nowMilliseconds << 16, _clock.Next());
        Assert.Equal((nowMilliseconds << 16) + 1, _clock.Next());
        _time.Advance(TimeSpan.FromMilliseconds(3));
        Assert.Equal((nowMilliseconds + 3) << 16, _clock.Next());
    }

    [Fact]
    public void Next_TheMachinesClockIsSetBack_GoesOn()
    {
        long before = _clock.Next();
        _time.Advance(-TimeSpan.FromHours(1));

        Assert.Equal(before + 1, _clock.Next());
        Assert.Equal(TimeSpan.FromHours(1), _clock.Lag);
    }

    [Fact]
    public void Next_ACounterThatIsFull_MovesTheMillisecondsOn()
    {
        _clock.Observe((nowMilliseconds << 16) | 0xffff);

        Assert.Equal((nowMilliseconds + 1) << 16, _clock.Next());
    }

    [Fact]
    public void Observe_AGreaterClock_IsGoneBeyondAndALesserOneNothing()
    {
        long ahead = (nowMilliseconds + 50_000) << 16;
        _clock.Observe(ahead);
        _clock.Observe(5);

        Assert.Equal(ahead + 1, _clock.Next());
        Assert.Empty(_log.Levels);
    }

    [Fact]
    public void Observe_MoreThanTheLagAhead_IsReportedOnceAndItsEndToo()
    {
        _clock.Observe((nowMilliseconds + 60_001) << 16);
        _clock.Next();
        Assert.Equal([LogLevel.Warning], _log.Levels);
        Assert.Equal(TimeSpan.FromMilliseconds(60_001), _clock.Lag);

        _time.Advance(TimeSpan.FromMinutes(2));
        _clock.Next();

        Assert.Equal([LogLevel.Warning, LogLevel.Information], _log.Levels);
        Assert.Equal(TimeSpan.Zero, _clock.Lag);
    }

    [Fact]
    public void Observe_ANegativeClock_IsRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _clock.Observe(-1));

    [Fact]
    public void Next_ManyThreads_EachValueOnce()
    {
        long[] values = [.. ParallelEnumerable.Range(0, 20_000).Select(_ => _clock.Next())];

        Assert.Equal(values.Length, values.Distinct().Count());
        Assert.Equal(values.Max(), _clock.Last);
    }

    private sealed class ReportLog : ILogger<HybridClock>
    {
        public List<LogLevel> Levels { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => Levels.Add(logLevel);
    }
}
