using Lepton.Routing.Health;

namespace Lepton.Routing.Tests.KnownFaults;

/// <summary>
/// Known of others: a limit that each replica keeps to is broken by all of them together. Routers know nothing of each
/// other's circuits, so the bound for one must be small enough for all, and their trials must not come in one instant.
/// </summary>
public sealed class LimitsHoldPerReplicaOnlyTests
{
    private const int Routers = 4;

    [Fact]
    public void Trials_OfFourRouters_AreFewAndSpread()
    {
        List<double>[] tries = [.. Enumerable.Range(0, Routers).Select(r =>
            DeadEndpointsRetriedForEverTests.TriesOf(Outcome.Failed, seed: (ulong)(50 + r), out _))];
        double[] trials = [.. tries.SelectMany(t => t.Skip(15)).Order()]; // past the first, short steps
        Assert.InRange(tries.Sum(t => t.Count), Routers * 20, Routers * 90); // of 57,600 requests
        // The bound for all: one a minute and router, in any minute.
        foreach (double from in trials)
            Assert.InRange(trials.Count(t => t >= from && t < from + 48), 1, Routers);
        // All in the same quarter of a second: never, though all began in the same one.
        Assert.DoesNotContain(trials, from => trials.Count(t => t >= from && t < from + 0.25) == Routers);
    }
}
