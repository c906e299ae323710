using Lepton.Cli.Platform;

namespace Lepton.Cli.Tests.Platform;

public sealed class ReadinessTests
{
    private readonly Recorder progress = new();
    private readonly Readiness readiness = new(TimeProvider.System);

    [Fact]
    public async Task Wait_ReachedOneAfterTheOther_EndsWithAll()
    {
        int asked = 0;
        Milestone first = new("p", "first", _ => Task.FromResult<string?>(null));
        Milestone second = new("p", "second", _ => Task.FromResult(++asked < 3 ? "loading" : null));

        await readiness.WaitAsync(
            [first, second], TimeSpan.FromSeconds(30), _ => Task.FromResult<CommandFailure?>(null), progress, default);

        Assert.Equal(["first", "second"], progress.Names);
        Assert.Contains("second: loading", progress.WaitedFor);
        Assert.Equal(3, asked);
    }

    [Fact]
    public async Task Wait_SomethingDied_GivesUpAtOnce()
    {
        CommandFailure death = new(ExitCode.Failed, "routing-eu-west has died");
        Milestone never = new("p", "never", _ => Task.FromResult<string?>("starting"));

        CommandFailure thrown = await Assert.ThrowsAsync<CommandFailure>(() => readiness.WaitAsync(
            [never], TimeSpan.FromHours(1), _ => Task.FromResult<CommandFailure?>(death), progress, default));

        Assert.Same(death, thrown);
    }

    [Fact]
    public async Task Wait_TooLong_NamesWhatIsMissing()
    {
        Milestone never = new("p", "inference-eu-west-a", _ => Task.FromResult<string?>("loading ocr"));

        CommandFailure thrown = await Assert.ThrowsAsync<CommandFailure>(() => readiness.WaitAsync(
            [never], TimeSpan.FromMilliseconds(1), _ => Task.FromResult<CommandFailure?>(null), progress, default));

        Assert.Contains("inference-eu-west-a: loading ocr", thrown.Hints);
    }

    [Fact]
    public void Phases_Overlapping_AddUpToTheWhole()
    {
        SteppedTime time = new();
        StartTimes times = new(time);
        time.Now = TimeSpan.FromSeconds(1);
        times.Reached("certificates", "certificates");
        time.Now = TimeSpan.FromSeconds(3);
        times.Reached("nodes", "a");
        time.Now = TimeSpan.FromSeconds(4);
        times.Reached("dashboard", "dashboard");
        time.Now = TimeSpan.FromSeconds(9);
        times.Reached("nodes", "b");

        Assert.Equal(
            [("certificates", 1, "certificates"), ("nodes", 8, "b"), ("dashboard", 0, "dashboard")],
            times.Phases().Select(p => (p.Phase, (int)p.Took.TotalSeconds, p.Last)));
        Assert.Equal(times.Elapsed, times.Phases().Aggregate(TimeSpan.Zero, (sum, p) => sum + p.Took));
    }

    private sealed class Recorder : IReadinessProgress
    {
        public List<string> Names { get; } = [];

        public List<string> WaitedFor { get; } = [];

        public void Reached(Milestone milestone) => Names.Add(milestone.Name);

        public void Waiting(IReadOnlyList<string> forWhat) => WaitedFor.AddRange(forWhat);
    }

    private sealed class SteppedTime : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
