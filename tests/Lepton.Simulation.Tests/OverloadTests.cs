using System.Globalization;
using Lepton.Routing;
using Lepton.Routing.Admission;
using Xunit.Abstractions;

namespace Lepton.Simulation.Tests;

/// <summary>
/// What limits and shedding by priority do, with the product's limits, lines and strategy over twelve simulated nodes
/// of two or four slots.
/// </summary>
public sealed class OverloadTests(ITestOutputHelper output)
{
    private static RoutingOptions On => new();

    // Nothing is learned: a limit that is always allowed.
    private static RoutingOptions Off => new() { Limits = { PlaceMin = 10_000 } };

    // Fixed for each case, so that a change of the code is all that can fail it; or the one to be tried.
    private static int SeedOr(int seed) =>
        int.TryParse(Environment.GetEnvironmentVariable("LEPTON_SEED"), out int given) ? given : seed;

    private OverloadWorld Run(Offered offered, RoutingOptions options, int seed)
    {
        seed = SeedOr(seed);
        OverloadWorld world = new OverloadWorld(offered, options, seed).Run();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{offered}: goodput {world.Goodput:F3} of capacity; real-time failed {world.Realtime.FailedShare:P2}, p99 "
            + $"{world.Realtime.P99Milliseconds():F0} ms; batch failed {world.Batch.FailedShare:P2}, p99 "
            + $"{world.Batch.P99Milliseconds():F0} ms; most at a slow node {world.MostAtSlowNode}; "
            + $"replay: LEPTON_SEED={seed} dotnet test tests/Lepton.Simulation.Tests -c Release"));
        Assert.Equal(0, world.LeftUnderWay);
        return world;
    }

    [Theory]
    [InlineData(1, 10_001)]
    [InlineData(2, 10_002)]
    [InlineData(4, 10_003)]
    public void Run_SteadyAtSeventyPercent_LimitsDoNotBind(int routers, int seed)
    {
        Offered steady = new(Realtime: 0.5, Batch: 0.2, routers);
        OverloadWorld on = Run(steady, On, seed), off = Run(steady, Off, seed);
        Assert.Equal((0, 0), (on.Realtime.Failed.Count, on.Batch.Failed.Count));
        Assert.True(on.Realtime.P99Milliseconds() <= 1.05 * off.Realtime.P99Milliseconds());
        Assert.True(on.Batch.P99Milliseconds() <= 1.05 * off.Batch.P99Milliseconds());
    }

    [Theory]
    [InlineData(0.6, 1.4, 1, 20_001)]
    [InlineData(0.6, 1.4, 2, 20_002)]
    [InlineData(0.6, 1.4, 4, 20_003)]
    [InlineData(0.3, 1.7, 2, 20_004)]
    public void Run_TwiceTheCapacity_BatchIsShedAndRealtimeIsNot(double realtime, double batch, int routers, int seed)
    {
        Offered twice = new(realtime, batch, routers);
        OverloadWorld on = Run(twice, On, seed), off = Run(twice, Off, seed);
        Assert.True(on.Goodput >= 0.9);
        Assert.True(on.Realtime.FailedShare <= 0.001);
        Assert.True(off.Realtime.FailedShare > 0.1, "without, both classes are refused alike");
        Assert.True(on.Realtime.P99Milliseconds() < 0.8 * off.Realtime.P99Milliseconds());
    }

    [Fact]
    public void Run_RealtimeAloneIsTooMuch_NodesAreFullAndBatchIsGone()
    {
        OverloadWorld on = Run(new(Realtime: 1.5, Batch: 0.5, Routers: 2), On, 30_001);
        Assert.True(on.Goodput >= 0.9);
        Assert.True(on.Batch.FailedShare > 0.9);
        Assert.True(on.Realtime.FailedShare < 0.45); // a third is too much for anybody
    }

    [Theory]
    [InlineData(1, 40_001)]
    [InlineData(2, 40_002)]
    public void Run_NodesTurnSlow_AreNotPiledUpOnAndRecover(int routers, int seed)
    {
        Offered slow = new(Realtime: 0.5, Batch: 0.2, routers)
        {
            SlowNodes = 6, SlowFactor = 5, Slow = (10, 20),
        };
        OverloadWorld on = Run(slow, On, seed), off = Run(slow, Off, seed);
        Assert.True(on.MostAtSlowNode <= 14, "twice the slots of the largest and what is always allowed");
        Assert.True(on.Realtime.FailedShare <= 0.1 * off.Realtime.FailedShare);
        Assert.True(on.Realtime.P99Milliseconds(12, 20) < 0.8 * off.Realtime.P99Milliseconds(12, 20));
        // Two seconds after they are well again, it is as it was before.
        Assert.Equal(0, on.Realtime.FailedIn(22) + on.Batch.FailedIn(22));
        Assert.True(on.Realtime.P99Milliseconds(22) <= 1.2 * on.Realtime.P99Milliseconds(5, 10));
    }

    [Theory]
    [InlineData(2, 50_001)]
    [InlineData(4, 50_002)]
    public void Run_SeveralRoutersAtTwiceTheCapacity_ShareIt(int routers, int seed)
    {
        OverloadWorld world = Run(new(Realtime: 0.6, Batch: 1.4, routers), On, seed);
        int[] answered = [.. Enumerable.Range(0, routers).Select(r =>
            world.Realtime.Answered.Concat(world.Batch.Answered).Count(a => a.Router == r))];
        output.WriteLine(string.Join(", ", answered));
        Assert.True(answered.Min() >= 0.8 * answered.Max());
    }
}
