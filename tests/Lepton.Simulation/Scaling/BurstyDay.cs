namespace Lepton.Simulation.Scaling;

/// <summary>
/// A day of one pool and model: a daily rhythm, bursts that come without a warning, requests of different length.
/// Times in seconds.
/// </summary>
internal sealed record BurstyDay
{
    public double Seconds { get; init; } = 86_400;

    /// <summary>Requests per second at night and at noon.</summary>
    public double RateMin { get; init; } = 6;

    public double RateMax { get; init; } = 50;

    /// <summary>Bursts a day; each multiplies the rate by 1.5 to <see cref="BurstMax"/>.</summary>
    public int Bursts { get; init; } = 24;

    public double BurstMax { get; init; } = 3;

    /// <summary>A burst rises within 5 s to a minute and lasts 1 to 15 min.</summary>
    public double BurstSecondsMax { get; init; } = 900;

    public double ServiceSeconds { get; init; } = 0.5;

    /// <summary>Of the log-normal length of a request.</summary>
    public double ServiceSigma { get; init; } = 0.5;

    public int SlotsPerNode { get; init; } = 4;

    /// <summary>From the order to the first request.</summary>
    public double StartSeconds { get; init; } = 30;

    /// <summary>Requests that wait before one is refused.</summary>
    public int QueueMax { get; init; } = 5_000;

    /// <summary>An answer later than that violates the promise.</summary>
    public double SloSeconds { get; init; } = 2;

    public int NodesMin { get; init; } = 2;

    public int NodesMax { get; init; } = 30;

    /// <summary>The requests of a day, in order: when, and how long each takes. The same for the same seed.</summary>
    public IEnumerable<(double At, double Service)> Requests(int seed)
    {
        Random random = new(seed);
        (double Begin, double Rise, double End, double Factor)[] bursts =
        [
            .. Enumerable.Range(0, Bursts).Select(_ =>
            {
                double begin = random.NextDouble() * Seconds;
                return (begin, 5 + (55 * random.NextDouble()),
                    begin + 60 + ((BurstSecondsMax - 60) * random.NextDouble()),
                    1.5 + ((BurstMax - 1.5) * random.NextDouble()));
            }),
        ];
        double ceiling = RateMax * BurstMax;
        for (double at = 0; ;)
        {
            // Thinning (Lewis and Shedler 1979): candidates at the highest rate, kept by the rate of their moment.
            at -= Math.Log(1 - random.NextDouble()) / ceiling;
            if (at >= Seconds)
                yield break;
            if (random.NextDouble() * ceiling < RateAt(at, bursts))
                yield return (at, Service(random));
        }
    }

    private double RateAt(double at, (double Begin, double Rise, double End, double Factor)[] bursts)
    {
        double noon = (1 - Math.Cos(2 * Math.PI * at / 86_400)) / 2;
        double factor = 1;
        foreach ((double begin, double rise, double end, double most) in bursts)
            if (at >= begin && at < end)
                factor = Math.Max(factor, 1 + ((most - 1) * Math.Min(1, (at - begin) / rise)));
        return (RateMin + ((RateMax - RateMin) * noon)) * factor;
    }

    private double Service(Random random)
    {
        double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()))
            * Math.Cos(2 * Math.PI * random.NextDouble());
        return ServiceSeconds * Math.Exp((ServiceSigma * normal) - (ServiceSigma * ServiceSigma / 2));
    }
}
