using Lepton.Simulation.Scaling;
using Xunit.Abstractions;

namespace Lepton.Simulation.Tests;

/// <summary>E1: capacity that follows load, beside the HPA on CPU, over simulated hours.</summary>
public sealed class ScalingTests(ITestOutputHelper output)
{
    // From morning to noon, with bursts as dense as a day's.
    private static readonly BurstyDay Hours = new() { Seconds = 4 * 3600, Bursts = 8, RateMin = 15, RateMax = 60 };

    // One morning decides little, as one burst does: over many of them.
    [Fact]
    public void Lepton_BurstyMornings_ViolatesLessForNoMoreNodes()
    {
        long mine = 0, theirs = 0;
        for (int seed = 1; seed <= 5; seed++)
        {
            PoolDay ours = SimulatedPool.Run(Hours, seed, clock => new LeptonScaler(Hours, clock));
            PoolDay[] hpas =
            [
                .. new[] { 0.5, 0.6, 0.7, 0.8 }.Select(target =>
                    SimulatedPool.Run(Hours, seed, clock => new HpaScaler(target, Hours, clock))),
            ];
            // The cheapest HPA that costs no less: what is cheaper violates more, and no ratio to it says anything.
            PoolDay hpa = hpas.Where(h => h.NodeHours >= ours.NodeHours).MinBy(h => h.NodeHours)!;
            output.WriteLine($"seed {seed}\n  {ours}\n  {hpa}");
            Assert.True(ours.NodeHours <= hpa.NodeHours);
            (mine, theirs) = (mine + ours.Violations, theirs + hpa.Violations);
        }
        Assert.True(mine < 0.9 * theirs, $"{mine} beside {theirs}");
    }

    [Fact]
    public void Pool_SameSeed_IsTheSameDay()
    {
        BurstyDay day = Hours with { Seconds = 600 };

        Assert.Equal(SimulatedPool.Run(day, 5, clock => new LeptonScaler(day, clock)),
            SimulatedPool.Run(day, 5, clock => new LeptonScaler(day, clock)));
    }
}
