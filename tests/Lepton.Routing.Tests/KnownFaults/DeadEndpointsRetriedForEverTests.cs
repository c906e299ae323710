using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Tests.World;

namespace Lepton.Routing.Tests.KnownFaults;

/// <summary>Known of others: an endpoint that is gone is tried on and on, every second request, for ever.</summary>
public sealed class DeadEndpointsRetriedForEverTests
{
    [Theory]
    [InlineData(Outcome.Unreachable)]
    [InlineData(Outcome.Failed)]
    internal void Ask_DeadForAnHour_IsTriedRarelyYetNeverGivenUp(Outcome end)
    {
        List<double> tries = TriesOf(end, seed: 3, out HealthWorld world);
        // Five that open the circuit, then trials after 1, 2, 4 ... 60 s: some 60 to 80 an hour, of 14,400 requests.
        Assert.InRange(tries.Count, 20, 90);
        double[] gaps = [.. tries.Zip(tries.Skip(1), (a, b) => b - a)];
        Assert.All(gaps.Skip(15), gap => Assert.InRange(gap, 48, 61));
        // It lives again: the next trial finds out.
        while (world.LaneOf("dead").CircuitState != CircuitState.Closed)
        {
            world.Ask(_ => Outcome.Good);
            world.Pass(0.25);
        }
        Assert.Contains("dead CircuitClosed", world.Changes);
        Assert.Contains("dead", HealthWorld.NamesOf(world.Find()));
    }

    internal static List<double> TriesOf(Outcome end, ulong seed, out HealthWorld world)
    {
        world = new HealthWorld(seed: seed);
        foreach (string node in (string[])["dead", "b", "c"])
            world.AddNode(node);
        List<double> tries = [];
        IBalancingStrategy strategy = StrategyCatalogue.ByName["random"]; // it knows of no penalty
        long start = world.Time.GetTimestamp();
        for (int quarter = 0; quarter < 4 * 3600; quarter++)
        {
            if (world.Ask(c => c.Node == "dead" ? end : Outcome.Good, "ocr", strategy)!.Node == "dead")
                tries.Add(world.Time.GetElapsedTime(start).TotalSeconds);
            world.Pass(0.25);
        }
        return tries;
    }
}
