namespace Lepton.Simulation;

/// <summary>A load on a set of nodes: one entry of scenarios.json over that file's <c>world</c>.</summary>
internal sealed record Scenario
{
    /// <summary>Lower case, words joined by hyphens.</summary>
    public required string Name { get; init; }

    public required string Why { get; init; }

    /// <summary>At the rate outside bursts, before anything counts: routers have run for a while.</summary>
    public required double WarmUpSeconds { get; init; }

    /// <summary>How long requests arrive that count.</summary>
    public required double DurationSeconds { get; init; }

    /// <summary>Rate outside bursts, all routers together.</summary>
    public required double RequestsPerSecond { get; init; }

    /// <summary>The rate during a burst, as a multiple; 1: no bursts.</summary>
    public required double BurstFactor { get; init; }

    /// <summary>From one burst's start to the next one's.</summary>
    public required double BurstEverySeconds { get; init; }

    public required double BurstSeconds { get; init; }

    public required int Nodes { get; init; }

    /// <summary>Concurrent executions of the first node, the second and so on; then from the first again.</summary>
    public required IReadOnlyList<int> SlotsByNode { get; init; }

    /// <summary>Requests that may wait at one node beyond its slots; one more is refused.</summary>
    public required int QueueRequestsMax { get; init; }

    /// <summary>A node's mean service time is drawn evenly between this and the next.</summary>
    public required double ServiceMeanMillisecondsMin { get; init; }

    public required double ServiceMeanMillisecondsMax { get; init; }

    /// <summary>Service times are log-normal: the standard deviation of the logarithm, without unit.</summary>
    public required double ServiceSigma { get; init; }

    /// <summary>The share of requests, 0 to 1, that take <see cref="LongFactor"/> times as long.</summary>
    public required double LongShare { get; init; }

    public required double LongFactor { get; init; }

    /// <summary>The way to the first node and back, to the second and so on; then from the first again.</summary>
    public required IReadOnlyList<double> RoundTripMillisecondsByNode { get; init; }

    /// <summary>From one report of a node to its next: how old a router's knowledge of it can be.</summary>
    public required double ReportEverySeconds { get; init; }

    /// <summary>The first node turns this many times slower a third of the way in; 1: it does not.</summary>
    public required double GreyFactor { get; init; }

    /// <summary>What is expected against R2 (weighted), by the number of routers.</summary>
    public required IReadOnlyDictionary<int, Expectation> Expected { get; init; }

    public double EndSeconds => WarmUpSeconds + DurationSeconds;

    /// <summary>The rate at a time since the warm-up's start. The first burst comes when that is over.</summary>
    public double RateAt(double seconds)
    {
        double counted = seconds - WarmUpSeconds;
        return RequestsPerSecond * (counted >= 0 && counted % BurstEverySeconds < BurstSeconds ? BurstFactor : 1);
    }
}

/// <summary>What is expected of the default against R2 in one scenario.</summary>
/// <param name="P99">Of the 99th percentile of the answered requests' latency.</param>
/// <param name="Failed">Of the share of requests that were refused.</param>
internal sealed record Expectation(Verdict P99, Verdict Failed);

/// <summary>How a ratio to R2 must come out.</summary>
internal enum Verdict
{
    /// <summary>At most <see cref="Bounds.TieMax"/>.</summary>
    Tie,

    /// <summary>Below <see cref="Bounds.WinBelow"/>.</summary>
    Win,
}

internal static class Bounds
{
    public const double TieMax = 1.02;
    public const double WinBelow = 0.9;

    public static bool Holds(this Verdict verdict, double ratio) =>
        verdict == Verdict.Win ? ratio < WinBelow : ratio <= TieMax;

    public static string Text(this Verdict verdict) => verdict == Verdict.Win ? "< 0.9" : "<= 1.02";
}
