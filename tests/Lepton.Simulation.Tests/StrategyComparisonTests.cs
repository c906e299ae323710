using System.Globalization;
using Lepton.Routing.Balancing;
using Xunit.Abstractions;

namespace Lepton.Simulation.Tests;

/// <summary>
/// The default against R2 in every scenario of the bench, as scenarios.json expects it. The seed is fixed, so that a
/// change of the code is all that can fail it; `./lepton bench balance` takes a fresh one each run.
/// </summary>
public sealed class StrategyComparisonTests(ITestOutputHelper output)
{
    private const int Worlds = 6;

    private static readonly int _seed =
        int.TryParse(Environment.GetEnvironmentVariable("LEPTON_SEED"), out int given) ? given : 20_261_122;

    public static TheoryData<string, int> Cases
    {
        get
        {
            TheoryData<string, int> cases = [];
            foreach (Scenario scenario in ScenarioFile.Read())
                foreach (int routers in scenario.Expected.Keys)
                    cases.Add(scenario.Name, routers);
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Guarded_AgainstTheFormula_IsAsExpected(string name, int routers)
    {
        Scenario scenario = ScenarioFile.Find(name);
        Comparison comparison = Comparison.Run(
            scenario, routers, _seed, Worlds, Comparison.Default, Comparison.Formula);
        double p99 = comparison.P99Over(Comparison.Formula), failed = comparison.FailedOver(Comparison.Formula);
        string said = string.Create(CultureInfo.InvariantCulture,
            $"{name}, {routers} routers: p99 {p99:F3} of the formula's, failed {failed:F3}; "
            + $"replay: LEPTON_SEED={_seed}");
        output.WriteLine(said);
        Assert.True(scenario.Expected[routers].P99.Holds(p99), said);
        Assert.True(scenario.Expected[routers].Failed.Holds(failed), said);
    }

    [Fact]
    public void Run_SameSeed_IsTheSame()
    {
        Scenario scenario = ScenarioFile.Find("hard-burst");
        SimulatedRun first = new Simulator(scenario, 4, new GuardedStrategy(), _seed).Run();
        Assert.Equal(first, new Simulator(scenario, 4, new GuardedStrategy(), _seed).Run());
        Assert.NotEqual(first, new Simulator(scenario, 4, new GuardedStrategy(), _seed + 1).Run());
    }
}
