using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Tests.Placement;

/// <summary>P3, S4, S6: who becomes home when a home is gone.</summary>
public sealed class PromotionTests
{
    // Nodes 0, 1: us-east a, b; 2, 3: eu-west a, b. Every slot is at all four.
    private readonly Topology _topology = Worlds.TwoRegions(epoch: 4);
    private static readonly NodeId Gone = new(0);

    private static Dictionary<NodeId, SourceProgress> Progress(params (int Node, ulong Position)[] all) =>
        all.ToDictionary(p => new NodeId((short)p.Node),
            p => new SourceProgress(Gone, "t2", new LogPosition(p.Position)));

    private IEnumerable<SlotId> Orphans => Worlds.Slots.Where(s => _topology.MapOf(new ClassId(0)).Home(s) == Gone);

    [Fact]
    public void Plan_OneIsFurthest_ItIsHomeOfAllSlotsOfTheGone()
    {
        var plan = Promotion.Plan(_topology, Gone, "t2", Progress((1, 10), (2, 10), (3, 11)));

        SlotMap before = _topology.MapOf(new ClassId(0)), after = plan.Next.MapOf(new ClassId(0));
        Assert.Equal(5, plan.Next.Epoch);
        Assert.Equal((0, Orphans.Count()), (plan.WaitingSlots, plan.Promoted[new NodeId(3)]));
        Assert.All(Orphans, s =>
        {
            NodeId[] was = before.Replicas(s).ToArray();
            NodeId[] rest = [.. was.Where(n => n.Value is not (0 or 3))];
            Assert.Equal([new NodeId(3), .. rest, Gone], after.Replicas(s).ToArray());
            Assert.Equal(5, after.Term(s));
        });
        Assert.All(Worlds.Slots.Except(Orphans), s =>
        {
            Assert.Equal(before.Replicas(s).ToArray(), after.Replicas(s).ToArray());
            Assert.Equal(4, after.Term(s));
        });
    }

    [Fact]
    public void Plan_EqualProgress_TheRegionsOtherZoneIsHome()
    {
        var plan = Promotion.Plan(_topology, Gone, "t2", Progress((1, 10), (2, 10), (3, 10)));

        Assert.Equal([new NodeId(1)], plan.Promoted.Keys);
    }

    [Fact]
    public void Plan_EqualProgressInAnotherRegion_TheFirstOfEachSlotsListIsHome()
    {
        var plan = Promotion.Plan(_topology, Gone, "t2", Progress((1, 9), (2, 10), (3, 10)));

        SlotMap before = _topology.MapOf(new ClassId(0)), after = plan.Next.MapOf(new ClassId(0));
        Assert.All(Orphans, s => Assert.Equal(
            before.Replicas(s).ToArray().First(n => n.Value is 2 or 3), after.Home(s)));
    }

    [Fact]
    public void Plan_FurtherOnAnotherTimeline_CountsAsNothing()
    {
        var progress = Progress((1, 1), (2, 2));
        progress[new NodeId(3)] = new SourceProgress(Gone, "t1", new LogPosition(99));

        Assert.Equal([new NodeId(2)], Promotion.Plan(_topology, Gone, "t2", progress).Promoted.Keys);
    }

    [Fact]
    public void Plan_OneDidNotAnswer_ItBecomesNoHome()
    {
        var plan = Promotion.Plan(_topology, Gone, "t2", Progress((2, 3)));

        Assert.Equal([new NodeId(2)], plan.Promoted.Keys);
    }

    [Fact]
    public void Plan_NobodyElseHoldsTheSlots_TheyWaitAndNothingChanges()
    {
        SyncNode[] nodes = Worlds.Nodes("us-east-a", "eu-west-a");
        RecordClass one = Worlds.Class(["us-east"]);
        Topology topology = new(2, [one], nodes, [new MinimumMovePlacement().Place(one, nodes, null, 2)]);

        var plan = Promotion.Plan(topology, Gone, "t2", Progress((1, 50)));

        Assert.Same(topology, plan.Next);
        Assert.Equal((SlotId.Count, 0), (plan.WaitingSlots, plan.Promoted.Count));
    }

    [Fact]
    public void Plan_SeveralClasses_OnlyTheirRegionsAndOnlyWhatCanBe()
    {
        SyncNode[] nodes = Worlds.Nodes("us-east-a", "us-east-b", "eu-west-a");
        RecordClass[] classes =
        [
            Worlds.Class(["us-east"], name: "a"),
            Worlds.Class(["us-east", "eu-west"], copyRegions: 2, homeRegion: "us-east", name: "b", id: 1),
        ];
        Topology topology = new(1, classes, nodes,
            [.. classes.Select(c => new MinimumMovePlacement().Place(c, nodes, null, 1))]);

        var plan = Promotion.Plan(topology, Gone, "t2", Progress((1, 1), (2, 9)));

        Assert.All(Worlds.Slots, s =>
        {
            Assert.Equal(new NodeId(1), plan.Next.MapOf(new ClassId(0)).Home(s));
            Assert.NotEqual(Gone, plan.Next.MapOf(new ClassId(1)).Home(s));
        });
        Assert.Equal(
            Worlds.Slots.Count(s => topology.MapOf(new ClassId(1)).Home(s) == Gone), plan.Promoted[new NodeId(2)]);
        Assert.Equal(0, plan.WaitingSlots);
    }
}
