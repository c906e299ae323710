using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Tests.World;

namespace Lepton.Routing.Tests.KnownFaults;

/// <summary>
/// Known of others: a node that fails at once looks quick and idle, and an average of latencies, or a count of what is
/// under way, sends it more and more.
/// </summary>
public sealed class FastFailuresAttractTrafficTests
{
    public static TheoryData<string> All => [.. StrategyCatalogue.ByName.Keys.Order(StringComparer.Ordinal)];

    private static readonly RoutingOptions PenaltyOnly = new()
    {
        Circuit = { Failures = 1000 },
        Ejection = { ConsecutiveFailures = 1000, RequestsMin = 1_000_000 },
    };

    // 20 s with 100 requests a second on four equal nodes, of which one fails whatever it gets.
    private static double ShareOfTheFailing(string strategy, RoutingOptions? options)
    {
        HealthWorld world = new(options, seed: 7);
        foreach (string node in (string[])["bad", "b", "c", "d"])
            world.AddNode(node);
        world.Pass(12);
        int bad = 0;
        for (int quarter = 0; quarter < 80; quarter++)
        {
            for (int i = 0; i < 25; i++)
                if (world.Ask(c => c.Node == "bad" ? Outcome.Failed : Outcome.Good, "ocr",
                    StrategyCatalogue.ByName[strategy])!.Node == "bad")
                    bad++;
            world.Pass(0.25);
        }
        return bad / 2000.0;
    }

    [Theory]
    [InlineData("guarded")]
    [InlineData("weighted")]
    [InlineData("shortest-latency")]
    [InlineData("peak-ewma")]
    public void Pick_ByLatency_PenaltyAloneTurnsTrafficAway(string strategy) =>
        Assert.InRange(ShareOfTheFailing(strategy, PenaltyOnly), 0, 0.08); // a quarter would be its share

    [Theory]
    [MemberData(nameof(All))]
    public void Pick_AnyStrategy_CircuitTurnsTrafficAway(string strategy) =>
        Assert.InRange(ShareOfTheFailing(strategy, null), 0, 0.01);

    [Fact]
    public void Slowness_AnswersOrTime_TakeThePenaltyBack()
    {
        HealthWorld world = new(PenaltyOnly);
        world.AddNode("a");
        world.End("a", Outcome.Failed, 20);
        Lane lane = world.LaneOf("a");
        Assert.InRange(lane.Slowness, 10.9, 11);
        world.Pass(5);
        Assert.InRange(lane.Slowness, 5.9, 6.1); // half of it in 5 s
        world.Pass(60);
        Assert.Equal(1, lane.Slowness);
        world.End("a", Outcome.Failed, 20);
        world.End("a", Outcome.Good, 20);
        Assert.InRange(lane.Slowness, 2, 2.5); // a tenth with each
    }
}
