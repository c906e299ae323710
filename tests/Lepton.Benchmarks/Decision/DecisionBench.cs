using System.Globalization;
using System.Text.Json;

namespace Lepton.Benchmarks.Decision;

/// <summary>
/// A decision, whole: residency mask and model filter, the guard over nodes of which 10 % are full, the ranks, scores
/// and the reservation; by the router's own code and by plain LINQ, interleaved in one run. Each booking is released
/// at once.
/// </summary>
internal static class DecisionBench
{
    private static readonly int[] Sizes = [3, 100, 1000];

    internal static int Run(string[] args)
    {
        ulong seed = args is ["--seed", var text]
            ? ulong.Parse(text, CultureInfo.InvariantCulture)
            : (ulong)Environment.TickCount64;
        Console.WriteLine(
            $"decision: median of {Paired.Rounds} interleaved rounds; replay: bench decision --seed {seed}");
        Console.WriteLine($"{"nodes",6}{"guarded ns",12}{"LINQ ns",12}{"ratio",9}{"guarded B",11}{"LINQ B",9}");
        Dictionary<string, double> ratios = [];
        foreach (int size in Sizes)
        {
            DecisionSetup setup = new(size, seed);
            (double guarded, double linq) = Paired.Measure(setup.PickGuarded, setup.PickLinq);
            double guardedBytes = Paired.BytesOf(setup.PickGuarded), linqBytes = Paired.BytesOf(setup.PickLinq);
            setup.CheckAgreement();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{size,6}{guarded,12:F1}{linq,12:F1}{guarded / linq,9:F4}{guardedBytes,11:F0}{linqBytes,9:F0}"));
            ratios[$"guarded_vs_linq_{size}"] = Math.Round(guarded / linq, 5);
            ratios[$"guarded_ns_{size}"] = Math.Round(guarded, 1);
            ratios[$"guarded_bytes_{size}"] = guardedBytes;
        }
        Console.WriteLine(JsonSerializer.Serialize(new { bench = "decision", ratios }));
        return 0;
    }
}
