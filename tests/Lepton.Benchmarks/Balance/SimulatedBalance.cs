using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Lepton.Routing.Balancing;
using Lepton.Simulation;

namespace Lepton.Benchmarks.Balance;

/// <summary>
/// Every scenario of scenarios.json, with each number of routers, by every strategy in the same worlds.
/// </summary>
internal static class SimulatedBalance
{
    internal static int Run(BalanceArguments arguments)
    {
        Stopwatch watch = Stopwatch.StartNew();
        Console.WriteLine($"balance: simulated, {arguments.Worlds} worlds a scenario; "
            + $"replay: bench balance --seed {arguments.Seed}");
        Console.WriteLine("p99 ms / failed %, mean over the worlds; * the lowest p99 but the default's");
        string[] strategies = [.. StrategyCatalogue.ByName.Keys.Order(StringComparer.Ordinal)];
        Dictionary<string, double> ratios = [];
        List<string> remarks = [];
        foreach (Scenario scenario in ScenarioFile.Read())
            if (arguments.Scenario is null || arguments.Scenario == scenario.Name)
            {
                Console.WriteLine($"\n{scenario.Name}: {scenario.Why}");
                foreach ((int routers, Expectation expected) in scenario.Expected.OrderBy(e => e.Key))
                {
                    Comparison comparison = Comparison.Run(
                        scenario, routers, arguments.Seed, arguments.Worlds, strategies);
                    Print(comparison);
                    Judge(comparison, expected, ratios, remarks);
                }
            }
        Console.WriteLine();
        foreach (string remark in remarks)
            Console.WriteLine(remark);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"took {watch.Elapsed.TotalSeconds:F0} s"));
        Console.WriteLine(JsonSerializer.Serialize(new { bench = "balance", seed = arguments.Seed, ratios }));
        return 0;
    }

    private static void Print(Comparison comparison)
    {
        string best = comparison.BestOther();
        Console.Write($"  {comparison.Routers} router{(comparison.Routers == 1 ? " " : "s")}");
        int column = 0;
        foreach (string strategy in comparison.Strategies)
        {
            if (column++ is 3 or 6)
                Console.Write("\n           ");
            Score score = comparison[strategy];
            string numbers = string.Create(CultureInfo.InvariantCulture,
                $"{score.P99Milliseconds:F0}{(strategy == best ? "*" : "")} / {score.FailedShare * 100:F2}");
            Console.Write($"  {strategy,-18}{numbers,-15}");
        }
        Console.WriteLine();
    }

    private static void Judge(
        Comparison comparison, Expectation expected, Dictionary<string, double> ratios, List<string> remarks)
    {
        double p99 = comparison.P99Over(Comparison.Formula), failed = comparison.FailedOver(Comparison.Formula);
        string scenario = comparison.Scenario.Name.Replace('-', '_'), where = $"{scenario}_{comparison.Routers}r";
        Add("p99_vs_formula", p99);
        Add("failed_vs_formula", failed);
        Add("p99_vs_best_other", comparison.P99Over(comparison.BestOther()));
        if (comparison[Comparison.Default].Failed == 0 && comparison[Comparison.Formula].Failed == 0)
            remarks.Add($"failed_vs_formula_{where}: 0 of 0, reported as a tie");
        if (!expected.P99.Holds(p99))
            remarks.Add($"p99_vs_formula_{where}: MISSED, expected {expected.P99.Text()}");
        if (!expected.Failed.Holds(failed))
            remarks.Add($"failed_vs_formula_{where}: MISSED, expected {expected.Failed.Text()}");

        // The key without a number of routers is the worst of them.
        void Add(string key, double ratio)
        {
            ratios[$"{key}_{where}"] = Math.Round(ratio, 3);
            ratios[$"{key}_{scenario}"] = Math.Round(
                Math.Max(ratio, ratios.GetValueOrDefault($"{key}_{scenario}")), 3);
        }
    }
}
