using System.Diagnostics;

namespace Lepton.Benchmarks;

/// <summary>Two pieces of code measured against each other in turns, so that what disturbs one disturbs both.</summary>
internal static class Paired
{
    public const int Rounds = 15;
    private const double SecondsPerRound = 0.04;

    /// <summary>Nanoseconds a call, the median of the rounds.</summary>
    public static (double A, double B) Measure(Action a, Action b)
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

    /// <summary>The middle one; of an even number the upper of the two.</summary>
    public static double Median(IReadOnlyCollection<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>Bytes that a call allocates on this thread.</summary>
    public static double BytesOf(Action action)
    {
        const int times = 2000;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < times; i++)
            action();
        return (GC.GetAllocatedBytesForCurrentThread() - before) / (double)times;
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
}
