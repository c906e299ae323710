using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Lepton.Routing.Scaling;
using Lepton.Simulation.Scaling;

namespace Lepton.Benchmarks.Scale;

/// <summary>
/// Seeded bursty days: our scaling beside the HPA on CPU and fixed capacity (E1). Each is compared where it costs no
/// less than ours: an HPA that starts fewer nodes violates more, so that a ratio against it would flatter us.
/// </summary>
internal static class ScaleBench
{
    private static readonly double[] Targets = [0.5, 0.6, 0.65, 0.7, 0.75, 0.8];

    internal static int Run(string[] args)
    {
        if (Read(args) is not var (seed, days))
            return 2;
        Stopwatch watch = Stopwatch.StartNew();
        BurstyDay day = new();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"scale: {days} days simulated request by request; replay: bench scale --seed {seed} --days {days}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"promise {day.SloSeconds} s, execution {day.ServiceSeconds} s, node start {day.StartSeconds} s"));
        Total ours = Sum("Lepton", seed, days, day, c => new LeptonScaler(day, c));
        Total[] hpas =
        [
            .. Targets.Select(t =>
                Sum($"HPA on CPU, {t * 100:F0} %", seed, days, day, c => new HpaScaler(t, day, c))),
        ];
        int nodes = (int)Math.Ceiling(ours.NodeHours / days / (day.Seconds / 3600));
        Total same = Sum($"fixed, {nodes} nodes", seed, days, day, _ => new FixedScaler(nodes));
        // For who asks what the shorter window alone brings: not compared with, for it is no HPA as it comes.
        Total tuned = Sum("HPA, 70 %, our windows", seed, days, day,
            c => new HpaScaler(0.7, day, c, new ScalingOptions().ToBehavior()));
        foreach (Total total in (Total[])[ours, .. hpas, tuned, same])
            Console.WriteLine(total.Line(days));
        // The cheapest HPA that costs no less than ours; where all are cheaper, the dearest.
        Total hpa = hpas.Where(h => h.NodeHours >= ours.NodeHours).MinBy(h => h.NodeHours)
            ?? hpas.MaxBy(h => h.NodeHours) ?? ours;
        Console.WriteLine($"compared with: {hpa.Name}; {same.Name}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"took {watch.Elapsed.TotalSeconds:F0} s"));
        Dictionary<string, double> ratios = new()
        {
            ["slo_violations_vs_hpa"] = Ratio(ours.Violations, hpa.Violations),
            ["node_hours_vs_hpa"] = Ratio(ours.NodeHours, hpa.NodeHours),
            ["slo_violations_vs_fixed"] = Ratio(ours.Violations, same.Violations),
            ["node_hours_vs_fixed"] = Ratio(ours.NodeHours, same.NodeHours),
        };
        Console.WriteLine(JsonSerializer.Serialize(new { bench = "scale", seed, compared = hpa.Name, ratios }));
        return 0;
    }

    private static double Ratio(double ours, double theirs) => Math.Round(ours / Math.Max(theirs, 1e-9), 3);

    private static Total Sum(string name, int seed, int days, BurstyDay day, Func<SimulatedClock, IScaler> make)
    {
        PoolDay[] runs = new PoolDay[days];
        Parallel.For(0, days, i => runs[i] = SimulatedPool.Run(day, seed + i, make));
        return new Total(name, runs.Sum(r => (long)r.Requests), runs.Sum(r => (long)r.Violations),
            runs.Sum(r => r.NodeHours), runs.Max(r => r.P99Seconds), runs.Max(r => r.NodesMost),
            runs.Sum(r => r.Starts));
    }

    private static (int Seed, int Days)? Read(string[] args)
    {
        (int seed, int days) = ((int)(Environment.TickCount64 & 0xFFFFFF), 2);
        for (int i = 0; i < args.Length; i += 2)
        {
            string? value = i + 1 < args.Length ? args[i + 1] : null;
            if (args[i] == "--seed" && int.TryParse(value, out seed) && seed >= 0)
                continue;
            if (args[i] == "--days" && int.TryParse(value, out days) && days is > 0 and <= 365)
                continue;
            Console.Error.WriteLine("""
                bench scale [--seed N] [--days N]
                  --seed  0 to 2147483647; fresh each run by default
                  --days  1 to 365 days that are simulated; 2 by default
                """);
            return null;
        }
        return (seed, days);
    }

    private sealed record Total(string Name, long Requests, long Violations, double NodeHours, double P99Seconds,
        int NodesMost, int Starts)
    {
        public string Line(int days) => string.Create(CultureInfo.InvariantCulture,
            $"  {Name,-22} violations {Violations,8} of {Requests} ({100.0 * Violations / Requests:F3} %)  node hours "
            + $"{NodeHours / days,7:F1} a day  worst p99 {P99Seconds,6:F2} s  most {NodesMost,3}  "
            + $"starts {Starts / days,4} a day");
    }
}
