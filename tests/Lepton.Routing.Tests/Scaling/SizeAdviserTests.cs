using Lepton.Routing.Scaling.Signals;
using Lepton.Routing.Scaling.Sizing;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;

namespace Lepton.Routing.Tests.Scaling;

/// <summary>E2: a size for each node from what it used. With a headroom of 25 %.</summary>
public sealed class SizeAdviserTests
{
    private readonly ManualTime _time = new();

    // 100 looks at `low`, then 100 × share at `high`.
    [Theory]
    [InlineData(0.10, 0.10, null, null, 0.25)] // 10 % of a quarter are 40 %
    [InlineData(0.10, 0.30, null, null, 0.5)] // p95 30 %: a half leaves 40 % free, a quarter none
    [InlineData(0.50, 0.70, null, null, 1.0)] // 70 % ≤ 75 %
    [InlineData(0.50, 0.80, null, null, 2.0)] // over 75 %
    [InlineData(0.10, 1.00, null, null, 2.0)] // full: one step, for nobody knows how much it lacks
    [InlineData(0.10, 0.10, 0.90, null, 2.0)] // the GPU decides
    [InlineData(0.10, 0.10, null, 0.60, 1.0)] // the memory decides
    public void Advise_ObservedUse_IsTheSmallestSizeWithHeadroom(
        double low, double high, double? gpu, double? memory, double size)
    {
        SizeAdviser adviser = new(TimeSpan.FromHours(1), 0.25, new PerSize(), _time);
        for (int i = 0; i < 200; i++)
            Hear(adviser, i < 180 ? low : high, gpu, memory);

        SizeAdvice advice = Assert.Single(adviser.Advise());

        Assert.Equal((size, 200), (advice.Size, advice.Looks));
        Assert.Equal((low, high), (advice.Cpu.P50, advice.Cpu.P95));
        Assert.Equal((long)(1_000_000 * (1 - size)), advice.SavedUsdMicrosPerHour);
    }

    [Fact]
    public void Advise_FewReports_KeepsTheSize()
    {
        SizeAdviser adviser = new(TimeSpan.FromHours(1), 0.25, new NoPrices(), _time);
        for (int i = 0; i < 119; i++)
            Hear(adviser, 0.01, null, null);

        Assert.Equal(1, Assert.Single(adviser.Advise()).Size);
        Hear(adviser, 0.01, null, null);
        SizeAdvice advice = Assert.Single(adviser.Advise());
        Assert.Equal((0.25, (long?)null), (advice.Size, advice.SavedUsdMicrosPerHour));
    }

    [Fact]
    public void Advise_BusyLongAgo_IsForgottenAfterTheWindow()
    {
        SizeAdviser adviser = new(TimeSpan.FromHours(1), 0.25, new NoPrices(), _time);
        for (int i = 0; i < 200; i++)
            Hear(adviser, 0.9, null, null);
        Assert.Equal(2, Assert.Single(adviser.Advise()).Size);

        for (int i = 0; i < 3; i++)
        {
            _time.Advance(TimeSpan.FromMinutes(30));
            for (int j = 0; j < 200; j++)
                Hear(adviser, 0.1, null, null);
        }

        Assert.Equal(0.25, Assert.Single(adviser.Advise()).Size);
        adviser.Forget(new HashSet<string>());
        Assert.Empty(adviser.Advise());
    }

    private static void Hear(SizeAdviser adviser, double cpu, double? gpu, double? memory) =>
        adviser.Hear([new NodeSignal("node-a", NodeState.Serving, cpu, gpu, memory, 0)]);

    /// <summary>A dollar an hour for the present size.</summary>
    private sealed class PerSize : ISizePrices
    {
        public long? HourUsdMicros(string node, double size) => (long)(1_000_000 * size);
    }
}
