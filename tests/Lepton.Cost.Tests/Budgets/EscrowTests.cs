using Lepton.Cost.Budgets;

namespace Lepton.Cost.Tests.Budgets;

/// <summary>One budget over many regions: never more than the limit, whoever hears whom (B4).</summary>
public sealed class EscrowTests
{
    /// <summary>Replay: the seed is the test's argument. Each step is checked within the simulation.</summary>
    [Theory]
    [InlineData(1, 3)]
    [InlineData(2, 3)]
    [InlineData(3, 5)]
    [InlineData(4, 8)]
    [InlineData(5, 2)]
    public void Spend_FaultyNetwork_NeverOvershoots(int seed, int regions)
    {
        EscrowSimulation world = new(seed, regions);

        for (var step = 0; step < 6_000; step++)
            world.Step();
        world.Heal();
        for (var step = 0; step < 2_000; step++)
            world.Step(faults: false);

        Assert.True(world.Transfers > 5, $"{world.Transfers} transfers, seed {seed}");
        // And what may be spent is: no share is stranded.
        Assert.True(world.Spent >= EscrowSimulation.Limit * 95 / 100, $"{world.Spent} spent, seed {seed}");
    }

    [Fact]
    public void Spend_CutOffRegion_SpendsItsShareAndNoMore()
    {
        EscrowSimulation world = new(9, 3);
        var share = world.Standing("r1").ShareMicros;
        world.Cut("r1");

        for (var step = 0; step < 5_000; step++)
            world.Step(only: "r1", faults: false);

        var at = world.Standing("r1");
        Assert.Equal(share, at.ShareMicros);
        Assert.InRange(at.SettledMicros, share * 9 / 10, share);
        Assert.True(world.RefusedWhileCut > 100);
    }

    [Fact]
    public void Receive_Repeated_CountsOnce()
    {
        BudgetPeriod november = new(2026, 11);
        BudgetLedger giver = new("a", november), taker = new("b", november), december = new("b", november.Next);
        giver.Grant("org", 101);
        december.Grant("org", 0);

        var transfer = giver.Give("org", "b", 1_000)!;

        Assert.Equal((51, 50), (transfer.Micros, giver.Standing("org")!.Value.ShareMicros)); // half, rounded up
        Assert.True(taker.Receive(transfer));
        Assert.True(taker.Receive(transfer));
        Assert.Equal(51, taker.Standing("org")!.Value.ShareMicros);
        Assert.False(december.Receive(transfer)); // void: its month is over
        Assert.False(giver.Receive(transfer));
        Assert.Single(giver.Sent);
        giver.Acknowledge(transfer.Id);
        Assert.Empty(giver.Sent);
        Assert.Null(giver.Give("org", "a", 1)); // to itself
        Assert.Null(taker.Give("none", "a", 1));
    }

    [Theory]
    [InlineData(101, 1_000, 0)]
    [InlineData(100, 1_000, 900)]
    [InlineData(0, 1_000, 1_000)]
    [InlineData(0, 0, 1)]
    public void Wanted_LowShare_AsksUpToTheFirst(long free, long first, long expected) =>
        Assert.Equal(expected, BudgetShares.Wanted(new BudgetStanding(free, 0, 0, 0), first));
}
