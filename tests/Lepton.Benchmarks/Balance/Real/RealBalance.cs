using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Grpc.Core;
using Lepton.Simulation;

namespace Lepton.Benchmarks.Balance.Real;

/// <summary>
/// The comparison measured: the strategies take turns on the same processes, each with the same requests, several times
/// over; what one turn's routers have learned the next one's know.
/// </summary>
internal static class RealBalance
{
    internal static async Task<int> RunAsync(BalanceArguments arguments)
    {
        Stopwatch watch = Stopwatch.StartNew();
        RealPlan plan = ScenarioFile.ReadReal();
        Console.WriteLine($"balance: measured, {plan.Rounds} rounds; "
            + $"replay: bench balance --real --seed {arguments.Seed}");
        Scenario world = ScenarioFile.Find(plan.Runs[0].Scenario);
        NodeShape[] nodes = Arrivals.Nodes(world, arguments.Seed);
        await using RealRegion region = await RealRegion.StartAsync(plan.Runs.Max(r => r.Routers), world, nodes);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{region.Channels.Count} routers, {nodes.Length} nodes, started in {watch.Elapsed.TotalSeconds:F0} s"));
        Dictionary<string, double> ratios = [];
        int window = 0;
        await WarmUpAsync(region, plan, arguments.Seed);
        foreach (RealRun run in plan.Runs.Where(r => arguments.Scenario is null || arguments.Scenario == r.Scenario))
        {
            Scenario scenario = ScenarioFile.Find(run.Scenario) with
            {
                WarmUpSeconds = plan.WarmUpSeconds, DurationSeconds = plan.WindowSeconds,
            };
            Dictionary<string, Measured> measured = plan.Strategies.ToDictionary(s => s, _ => new Measured());
            for (int round = 0; round < plan.Rounds; round++)
            {
                // Another order each round, so that nobody always comes after the same one.
                string[] order = [.. plan.Strategies];
                new Random(arguments.Seed + window).Shuffle(order);
                foreach (string strategy in order)
                {
                    // Another node is grey each time: what was learned of the last one is forgotten meanwhile.
                    OpenLoad load = new(region, scenario, strategy, greyNode: window++ % nodes.Length);
                    await load.RunAsync(run.Routers, arguments.Seed + (1000 * round));
                    region.CheckAlive();
                    measured[strategy].Take(load);
                }
            }
            Print(run, measured, ratios);
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"took {watch.Elapsed.TotalSeconds:F0} s"));
        Console.WriteLine(JsonSerializer.Serialize(new { bench = "balance-real", seed = arguments.Seed, ratios }));
        return 0;
    }

    // Compiled and connected before anything counts; gently, so that it does not look like a burst to the routers.
    private static async Task WarmUpAsync(RealRegion region, RealPlan plan, int seed)
    {
        Scenario gentle = ScenarioFile.Find(plan.Runs[0].Scenario) with
        {
            RequestsPerSecond = 60, BurstFactor = 1, WarmUpSeconds = 0, DurationSeconds = plan.StartSeconds / 2,
        };
        foreach (string strategy in (string[])["round-robin", Comparison.Default])
            await new OpenLoad(region, gentle, strategy, greyNode: -1).RunAsync(region.Channels.Count, seed);
    }

    private static void Print(RealRun run, Dictionary<string, Measured> measured, Dictionary<string, double> ratios)
    {
        Console.WriteLine($"\n{run.Scenario}, {run.Routers} router{(run.Routers == 1 ? "" : "s")}");
        Console.WriteLine($"  {"strategy",-20}{"requests",9}{"p50 ms",8}{"p99 ms",8}{"failed %",10}");
        foreach ((string strategy, Measured m) in measured)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {strategy,-20}{m.Requests,9}{m.Quantile(0.5),8:F0}{m.Quantile(0.99),8:F0}"
                + $"{m.FailedShare * 100,10:F2}  {m.Reasons}"));
        Measured ours = measured[Comparison.Default], formula = measured[Comparison.Formula];
        double best = measured.Where(m => m.Key != Comparison.Default).Min(m => m.Value.Quantile(0.99));
        // One added to each, so that none against none is a tie and none against some is a number.
        double failed = (ours.Failed + 1.0) / ours.Requests / ((formula.Failed + 1.0) / formula.Requests);
        Add("p99_vs_formula", ours.Quantile(0.99) / formula.Quantile(0.99));
        Add("failed_vs_formula", failed);
        Add("p99_vs_best_other", ours.Quantile(0.99) / best);

        // The key without a number of routers is the worst of them.
        void Add(string key, double ratio)
        {
            string name = $"real_{key}_{run.Scenario.Replace('-', '_')}";
            ratios[$"{name}_{run.Routers}r"] = Math.Round(ratio, 3);
            ratios[name] = Math.Round(Math.Max(ratio, ratios.GetValueOrDefault(name)), 3);
        }
    }
}

/// <summary>All turns of one strategy.</summary>
internal sealed class Measured
{
    private readonly List<double> _milliseconds = [];
    private readonly SortedDictionary<StatusCode, int> _failures = [];

    public int Failed => _failures.Values.Sum();

    public int Requests => _milliseconds.Count + Failed;

    public double FailedShare => Failed / (double)Requests;

    public string Reasons => string.Join(", ", _failures.Select(f => $"{f.Value} {f.Key}"));

    public void Take(OpenLoad load)
    {
        _milliseconds.AddRange(load.Milliseconds);
        foreach ((StatusCode status, int times) in load.Failures)
            _failures[status] = _failures.GetValueOrDefault(status) + times;
        _milliseconds.Sort();
    }

    public double Quantile(double q) => _milliseconds.Count == 0 ? double.NaN
        : _milliseconds[Math.Min(_milliseconds.Count - 1, (int)(q * _milliseconds.Count))];
}
