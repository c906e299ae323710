using Lepton.Routing.Balancing;
using static Lepton.Routing.Tests.Balancing.StrategyTests;

namespace Lepton.Routing.Tests.Balancing;

public sealed class GuardedStrategyTests
{
    [Fact]
    public void Guarded_NoRoomInTheQueue_IsPassedOverWhileOthersHaveRoom()
    {
        CandidateView view = View(Node("full", 1, slots: 2, queueMax: 8, outstanding: 10), Node("b"), Node("c"));
        Assert.Equal(["b", "c", "b", "c"], Book(new GuardedStrategy(), view, 4));
    }

    [Fact]
    public void Guarded_NoFreeSlot_WaitsWhereTheAnswerComesSoonest()
    {
        // 1 ms × (1 + 3 + 0.25) = 4.25 against 9 idle; two more requests ahead do not change that, six do.
        CandidateView view = View(Node("quick", 1, slots: 1, queueMax: 9, outstanding: 3), Node("idle", 9, slots: 1));
        Assert.Equal(["quick", "quick", "quick", "quick", "quick", "idle"], Book(new GuardedStrategy(), view, 6));
    }

    [Fact]
    public void Guarded_OtherRoutersShareTheNodes_TheirRequestsCount()
    {
        // Of four requests there one is ours: what we see as two in four slots are eight, and four of them wait.
        Candidate shared = Node("shared", 10, outstanding: 2, crowd: 4), idle = Node("idle", 20, crowd: 4);
        Assert.Equal(0.010 * (1 + (5 / 4.0) + 0.25), shared.Score, 9);
        Assert.Equal(1, Select(new GuardedStrategy(), View(shared, idle)));
        Assert.Equal(0, Select(new GuardedStrategy(), View(Node("own", 10, outstanding: 2), Node("idle", 20))));
    }

    [Theory] // slots + queue, less one request of each other router, divided among the routers
    [InlineData(4, 16, 1, 20)]
    [InlineData(4, 16, 4, 5)]
    [InlineData(2, 16, 4, 4)]
    [InlineData(1, 0, 4, 1)] // never none at all
    public void RoomBelow_SharedNodes_LeavesRoomForTheOthers(int slots, int queueMax, double crowd, int room) =>
        Assert.Equal(room, Guard.RoomBelow(Node("a", slots: slots, queueMax: queueMax, crowd: crowd)));

    [Fact]
    public void Guarded_MoreNodesThanAreLookedAt_ChanceFindsAnIdleOneBeyond()
    {
        CandidateView view = View(
            [.. Enumerable.Range(0, 200).Select(i => Node($"n{i:000}", 10 + i / 1000.0, outstanding: i < 64 ? 5 : 0))]);
        HashSet<int> picked = [];
        for (ulong seed = 0; seed < 50; seed++)
            picked.Add(Select(new GuardedStrategy(), view, seed));
        Assert.All(picked, i => Assert.InRange(i, 64, 199));
        Assert.True(picked.Count > 10, $"{picked.Count} different ones");
    }

    [Fact]
    public void Guarded_EverybodyFull_StillPicks() => Assert.InRange(Select(new GuardedStrategy(),
        View(Node("a", slots: 1, queueMax: 0, outstanding: 9), Node("b", slots: 1, queueMax: 0, outstanding: 9))), 0,
            1);

    [Fact]
    public void Guarded_OfTwo_TakesTheLowerScore()
    {
        // 10 ms × (1 + 0.25 × 3/4) = 11.9 against 20 ms idle: a used slot costs a little, a free one is no wait.
        CandidateView view = View(Node("a", 10, outstanding: 3), Node("b", 20));
        for (ulong seed = 0; seed < 100; seed++)
            Assert.Equal(0, Select(new GuardedStrategy(), view, seed));
    }

    [Fact]
    public void Guarded_IdleNearAndIdleFar_StaysNear()
    {
        CandidateView view = View(Node("a", 40), Node("far", 10, rttMs: 80, slots: 100, region: "there"));
        for (ulong seed = 0; seed < 200; seed++)
            Assert.Equal(0, Select(new GuardedStrategy(), view, seed));
    }

    [Fact]
    public void Guarded_NearQueueLongerThanTheWay_GoesFar()
    {
        // Near: 100 ms × (1 + 2/2 + 0.25) = 225; far: 80 + 100 = 180.
        CandidateView view = View(Node("a", 100, slots: 2, queueMax: 8, outstanding: 3),
            Node("far", 100, rttMs: 80, slots: 10, region: "there"));
        Assert.Equal(1, Select(new GuardedStrategy(), view));
    }
}
