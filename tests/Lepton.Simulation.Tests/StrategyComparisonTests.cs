using System.Globalization;
using Lepton.Routing.Balancing;
using Xunit.Abstractions;

namespace Lepton.Simulation.Tests;

/// <summary>
/// The default against the reference formula R2, on the same arrivals and service times, several worlds a run.
/// </summary>
public sealed class StrategyComparisonTests(ITestOutputHelper output)
{
    private const int Worlds = 5;

    // A fresh seed each run, or the one that is to be replayed.
    private readonly int _seed = int.TryParse(Environment.GetEnvironmentVariable("LEPTON_SEED"), out int given)
        ? given
        : Random.Shared.Next(1_000_000);

    private (double P99, double Failed) Run(Scenario scenario, IBalancingStrategy strategy)
    {
        double p99 = 0, failed = 0;
        for (int world = 0; world < Worlds; world++)
        {
            Outcome outcome = new Simulator(scenario, strategy, _seed + (1000 * world)).Run();
            Assert.Equal(0, outcome.LeftUnderWay);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{scenario.Name,-11}{strategy.Name,-12} world {world}: {outcome.Requests} requests, "
                + $"p50 {outcome.P50Milliseconds:F0} ms, p99 {outcome.P99Milliseconds:F0} ms, "
                + $"failed {outcome.FailedShare:P2}"));
            p99 += outcome.P99Milliseconds / Worlds;
            failed += outcome.FailedShare / Worlds;
        }
        return (p99, failed);
    }

    private void Compare(Scenario scenario, double p99Max)
    {
        (double P99, double Failed) guarded = Run(scenario, new GuardedStrategy());
        (double P99, double Failed) formula = Run(scenario, new WeightedStrategy());
        string replay = $"LEPTON_SEED={_seed} dotnet test tests/Lepton.Simulation.Tests -c Release";
        output.WriteLine($"guarded/formula: p99 {guarded.P99 / formula.P99:F3}; replay: {replay}");
        Assert.True(guarded.P99 <= p99Max * formula.P99,
            $"{scenario.Name}: guarded p99 {guarded.P99:F0} ms, formula {formula.P99:F0} ms; replay: {replay}");
        Assert.True(guarded.Failed <= formula.Failed,
            $"{scenario.Name}: guarded failed {guarded.Failed:P2}, formula {formula.Failed:P2}; replay: {replay}");
    }

    [Fact]
    public void Guarded_HardBurst_BeatsTheFormula() => Compare(Scenario.HardBurst, p99Max: 0.9);

    [Fact]
    public void Guarded_GreyNode_BeatsTheFormula() => Compare(Scenario.GreyNode, p99Max: 0.9);

    [Fact]
    public void Guarded_Calm_IsNoWorse() => Compare(Scenario.Calm, p99Max: 1.02);

    [Fact]
    public void Run_SameSeed_IsTheSame()
    {
        Outcome first = new Simulator(Scenario.HardBurst, new GuardedStrategy(), _seed).Run();
        Assert.Equal(first, new Simulator(Scenario.HardBurst, new GuardedStrategy(), _seed).Run());
        Assert.NotEqual(first, new Simulator(Scenario.HardBurst, new GuardedStrategy(), _seed + 1).Run());
    }
}
