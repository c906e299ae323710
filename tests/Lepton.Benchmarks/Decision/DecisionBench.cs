using System.Diagnostics;
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
    private const int Rounds = 15;
    private const double SecondsPerRound = 0.04;

    internal static int Run(string[] args)
    {
        ulong seed = args is ["--seed", var text]
            ? ulong.Parse(text, CultureInfo.InvariantCulture)
            : (ulong)Environment.TickCount64;
        Console.WriteLine($"decision: median of {Rounds} interleaved rounds; replay: bench decision --seed {seed}");
        Console.WriteLine($"{"nodes",6}{"guarded ns",12}{"LINQ ns",12}{"ratio",9}{"guarded B",11}{"LINQ B",9}");
        Dictionary<string, double> ratios = [];
        foreach (int size in Sizes)
        {
            DecisionSetup setup = new(size, seed);
            (double guarded, double linq) = Measure(setup.PickGuarded, setup.PickLinq);
            (double guardedBytes, double linqBytes) = (BytesOf(setup.PickGuarded), BytesOf(setup.PickLinq));
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

    private static (double A, double B) Measure(Action a, Action b)
    {
        (int timesA, int timesB) = (TimesFor(a), TimesFor(b));
        double[] nanosA = new double[Rounds], nanosB = new double[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            nanosA[round] = Nanoseconds(a, timesA);
            nanosB[round] = Nanoseconds(b, timesB);
        }
        Array.Sort(nanosA);
        Array.Sort(nanosB);
        return (nanosA[Rounds / 2], nanosB[Rounds / 2]);
    }

    // Tiered compilation first, then as many calls as fill a round.
    private static int TimesFor(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start).TotalSeconds < 0.5)
            action();
        int times = 1;
        while (Nanoseconds(action, times) * times < SecondsPerRound * 1e9 && times < 1 << 26)
            times *= 2;
        return times;
    }

    private static double Nanoseconds(Action action, int times)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < times; i++)
            action();
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / times;
    }

    private static double BytesOf(Action action)
    {
        const int times = 2000;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < times; i++)
            action();
        return (GC.GetAllocatedBytesForCurrentThread() - before) / (double)times;
    }
}
