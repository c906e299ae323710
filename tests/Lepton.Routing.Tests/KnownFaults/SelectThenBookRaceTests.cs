using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Tests.World;

namespace Lepton.Routing.Tests.KnownFaults;

/// <summary>
/// Known of others: between looking at a node's count and raising it, everybody else looks too, and a burst lands on
/// one node.
/// </summary>
public sealed class SelectThenBookRaceTests
{
    [Theory]
    [InlineData("guarded")]
    [InlineData("shortest-latency")]
    [InlineData("least-outstanding")]
    public void Pick_AsManyAtOnceAsSlots_FillsEachSlotOnce(string strategy)
    {
        for (int round = 0; round < 20; round++)
        {
            HealthWorld world = new(seed: (ulong)round);
            for (int i = 0; i < 10; i++)
                world.AddNode($"n{i}");
            CandidateView view = world.Find();
            Parallel.For(0, 40, new ParallelOptions { MaxDegreeOfParallelism = 16 }, i =>
            {
                PickContext context = new(new Chance((ulong)(i + (1000 * round))), 0);
                Balancer.Pick(view, StrategyCatalogue.ByName[strategy], ref context, book: true, out _);
            });
            Assert.All(view.All.Candidates, c => Assert.Equal(4, c.Lane.Outstanding));
        }
    }

    [Fact]
    public void Release_ManyThreads_CountsEveryEndOnce()
    {
        HealthWorld world = new();
        world.AddNode("a");
        Lane lane = world.LaneOf("a");
        Outcome[] ends = Enum.GetValues<Outcome>();
        Parallel.For(0, 6000, i =>
        {
            lane.TryReserve(int.MaxValue);
            lane.Release(ends[i % ends.Length]);
        });
        Assert.Equal((0, 6000L, 1000L, 3000L), (lane.Outstanding, lane.Completed, lane.Good, lane.Failed));
    }
}
