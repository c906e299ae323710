using System.Globalization;
using Lepton.Routing;
using Lepton.Routing.Balancing;
using Xunit.Abstractions;

namespace Lepton.Simulation.Tests;

/// <summary>
/// One of twelve nodes fails at once, fails three in ten, or turns ten times slower: with what routers learn of places'
/// health against without, on the same arrivals.
/// </summary>
public sealed class GreyNodeTests(ITestOutputHelper output)
{
    // Fixed for each case, so that a change of the code is all that can fail it; or the one to be tried.
    private static int SeedOr(int seed) =>
        int.TryParse(Environment.GetEnvironmentVariable("LEPTON_SEED"), out int given) ? given : seed;

    private (GreyRun On, GreyRun Off) Compare(Grey grey, string strategy, int routers, int seed)
    {
        seed = SeedOr(seed);
        GreyRun on = Run(grey, strategy, routers, GreyNodeWorld.On, seed),
            off = Run(grey, strategy, routers, GreyNodeWorld.Off, seed);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{grey}, {strategy}, {routers} router(s): failed {on.FailedShare:P2} against {off.FailedShare:P2}, "
            + $"p99 {on.P99Milliseconds:F0} against {off.P99Milliseconds:F0} ms; "
            + $"replay: LEPTON_SEED={seed} dotnet test tests/Lepton.Simulation.Tests -c Release"));
        return (on, off);
    }

    private GreyRun Run(Grey grey, string strategy, int routers, RoutingOptions options, int seed) =>
        new GreyNodeWorld(grey, StrategyCatalogue.ByName[strategy], routers, options, seed).Run();

    [Theory]
    [InlineData("guarded", 1, 453879)]
    [InlineData("guarded", 4, 231554)]
    [InlineData("weighted", 4, 979289)]
    [InlineData("least-outstanding", 4, 145219)]
    [InlineData("round-robin", 4, 293393)]
    public void Run_NodeFailsFast_AlmostNothingFails(string strategy, int routers, int seed)
    {
        (GreyRun on, GreyRun off) = Compare(Grey.FailsFast, strategy, routers, seed);
        Assert.True(off.FailedShare > 0.05, "without, a twelfth or more fails");
        Assert.True(on.FailedShare < 0.1 * off.FailedShare && on.FailedShare < 0.01);
    }

    [Theory]
    [InlineData("guarded", 1, 196901)]
    [InlineData("guarded", 4, 850476)]
    [InlineData("least-outstanding", 4, 449488)]
    [InlineData("round-robin", 4, 830498)]
    public void Run_NodeFailsThreeInTen_FailsLessThanHalf(string strategy, int routers, int seed)
    {
        (GreyRun on, GreyRun off) = Compare(Grey.FailsThirtyPercent, strategy, routers, seed);
        Assert.True(on.FailedShare < 0.5 * off.FailedShare);
    }

    [Theory]
    [InlineData("guarded", 1, 462327)]
    [InlineData("guarded", 4, 240014)]
    public void Run_NodeTurnsSlow_GuardedSawItByItself(string strategy, int routers, int seed)
    {
        (GreyRun on, GreyRun off) = Compare(Grey.TurnsSlow, strategy, routers, seed);
        Assert.True(on.P99Milliseconds <= 1.1 * off.P99Milliseconds && on.Failed <= off.Failed);
    }

    [Theory]
    [InlineData("round-robin", 428691)]
    [InlineData("random", 928652)]
    public void Run_NodeTurnsSlow_StrategiesThatSeeNothingAreHelped(string strategy, int seed)
    {
        (GreyRun on, GreyRun off) = Compare(Grey.TurnsSlow, strategy, 4, seed);
        Assert.True(on.FailedShare < 0.6 * off.FailedShare); // refused by the full queue of the slow node
    }
}
