using Lepton.Simulation.Sync.Cluster;
using Xunit.Abstractions;

namespace Lepton.Simulation.Tests.Sync;

/// <summary>The cluster's checks can fail: each part that is broken on purpose is found within a few seeds.</summary>
public sealed class BrokenClusterTests(ITestOutputHelper output)
{
    private const int SeedsMax = 30;

    [Fact]
    public void Run_DatabaseLosesWhatItCommitted_IsFound() => Find(
        new SimulatedFaults { StoreLosesLast = TimeSpan.FromSeconds(3) }, "is not at its home", "is not linearizable",
        "nobody in", "not the same");

    [Fact]
    public void Run_StreamLeavesOutFrames_IsFound() => Find(
        new SimulatedFaults { FramesSkipped = 10 }, "nobody in", "no second zone", "a confirmed write was lost",
        "not the same");

    [Fact]
    public void Run_ReceiverAcknowledgesTooEarly_IsFound() => Find(
        new SimulatedFaults { AcknowledgesEarly = true }, "nobody in", "no second zone", "a confirmed write was lost");

    [Fact]
    public void Run_SourceKnowsNoBorders_IsFound() => Find(
        new SimulatedFaults { SourceIgnoresRegions = true }, "sends a row of class");

    [Fact]
    [Trait("Category", "Long")] // it takes a home that is back before it reaches the store
    public void Run_EverybodyVouchesAlways_IsFound() => Find(
        new SimulatedFaults { VouchesAlways = true }, 400, "is not linearizable", "a confirmed write was lost",
        "is not at its home", "a former home wrote");

    [Fact]
    public void Run_ErasedKeysAreKept_IsFound() => Find(
        new SimulatedFaults { KeepsErasedKeys = true }, "was erased, and");

    private void Find(SimulatedFaults faults, params string[] signs) => Find(faults, SeedsMax, signs);

    private void Find(SimulatedFaults faults, int seedsMax, params string[] signs)
    {
        for (int seed = 1; seed <= seedsMax; seed++)
        {
            try
            {
                SimulatedCluster.Run(seed, faults);
            }
            catch (SimulationViolationException e)
            {
                output.WriteLine(e.Message[..Math.Min(e.Message.Length, 300)]);
                Assert.Contains(signs, sign => e.Message.Contains(sign, StringComparison.Ordinal));
                return;
            }
        }
        Assert.Fail($"Not found within {seedsMax} seeds.");
    }
}
