namespace Lepton.Simulation;

/// <summary>One request: when it comes, to which router, and how much work it is (1 on average).</summary>
internal readonly record struct Arrival(double Seconds, int Router, double Size);

/// <summary>A node as a scenario draws it.</summary>
internal readonly record struct NodeShape(int Slots, double MeanServiceSeconds, double RoundTripSeconds);

/// <summary>Draws what a scenario sends and to whom: the same for the same seed, whoever serves it.</summary>
internal static class Arrivals
{
    public static NodeShape[] Nodes(Scenario scenario, int seed)
    {
        Random shape = new(seed);
        double spread = scenario.ServiceMeanMillisecondsMax - scenario.ServiceMeanMillisecondsMin;
        return
        [
            .. Enumerable.Range(0, scenario.Nodes).Select(i => new NodeShape(
                scenario.SlotsByNode[i % scenario.SlotsByNode.Count],
                (scenario.ServiceMeanMillisecondsMin + (spread * shape.NextDouble())) / 1000,
                scenario.RoundTripMillisecondsByNode[i % scenario.RoundTripMillisecondsByNode.Count] / 1000)),
        ];
    }

    /// <summary>Poisson arrivals at the scenario's rate, until it is over.</summary>
    public static IEnumerable<Arrival> Of(Scenario scenario, int routers, int seed)
    {
        Random random = new(seed);
        double time = 0;
        while (time < scenario.EndSeconds)
        {
            yield return new Arrival(time, random.Next(routers), Size(scenario, random));
            time -= Math.Log(1 - random.NextDouble()) / scenario.RateAt(time);
        }
    }

    // Log-normal with mean 1, and a share that is long.
    private static double Size(Scenario scenario, Random random)
    {
        double sigma = scenario.ServiceSigma;
        double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        return Math.Exp((sigma * normal) - (sigma * sigma / 2))
            * (random.NextDouble() < scenario.LongShare ? scenario.LongFactor : 1);
    }
}
