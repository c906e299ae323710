using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Sync.Tests.Placement;

/// <summary>S1: adding a node to N moves about 1/(N+1) of the keys; S6: only to regions of the class.</summary>
public sealed class MinimumMoveTests
{
    private readonly MinimumMovePlacement _minimum = new();

    [Theory]
    [InlineData(3)]
    [InlineData(10)]
    [InlineData(50)]
    public void Place_NodeAdded_MovesItsShareAndNothingElse(int count)
    {
        SyncNode[] nodes = Zones(count + 1);
        RecordClass one = Worlds.Class(["us-east"], copyZones: 2);
        SlotMap before = _minimum.Place(one, nodes[..count], null, 1);

        SlotMap after = _minimum.Place(one, nodes, before, 2);

        SlotMoves moves = SlotMoves.Between(before, after);
        Assert.InRange(moves.Homes, Math.Floor(4096.0 / (count + 1)), Math.Ceiling(4096.0 / (count + 1)));
        Assert.InRange(moves.Copies, Math.Floor(8192.0 / (count + 1)), Math.Ceiling(8192.0 / (count + 1)));
        Assert.All(Worlds.Slots, s => Assert.True(
            after.Home(s) == before.Home(s) || after.Home(s) == nodes[count].Id));
    }

    [Fact]
    public void Place_NodeOfTwiceTheWeightAdded_MovesItsWeightedShare()
    {
        SyncNode[] nodes = Worlds.Nodes("us-east-a", "us-east-b", "us-east-c", "us-east-d:200");
        RecordClass one = Worlds.Class(["us-east"], copyZones: 1);
        SlotMap before = _minimum.Place(one, nodes[..3], null, 1);

        SlotMoves moves = SlotMoves.Between(before, _minimum.Place(one, nodes, before, 2));

        Assert.InRange(moves.Homes, 4096 * 2 / 5, 4096 * 2 / 5 + 1);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(11)]
    public void Place_NodeRemoved_MovesOnlyWhatItHeld(int count)
    {
        SyncNode[] nodes = Zones(count);
        RecordClass one = Worlds.Class(["us-east"], copyZones: 2);
        SlotMap before = _minimum.Place(one, nodes, null, 1);

        SlotMap after = _minimum.Place(one, nodes[1..], before, 2);

        Assert.All(Worlds.Slots.Where(s => !before.Holds(nodes[0].Id, s)), s =>
            Assert.Equal(before.Replicas(s).ToArray(), after.Replicas(s).ToArray()));
        Assert.Equal(Worlds.Loads(before, count, homes: false)[0], SlotMoves.Between(before, after).Copies);
        Assert.All(Worlds.Slots.Where(s => before.Home(s) != nodes[0].Id), s =>
            Assert.Equal(before.Home(s), after.Home(s)));
    }

    // With two copies a slot has one other replica: what its share cannot take goes elsewhere.
    [Fact]
    public void Place_HomeRemoved_ReplicasBecomeHomesUpToTheirShare()
    {
        SyncNode[] nodes = Zones(4);
        RecordClass one = Worlds.Class(["us-east"], copyZones: 2);
        SlotMap before = _minimum.Place(one, nodes, null, 1);

        SlotMap after = _minimum.Place(one, nodes[1..], before, 2);

        SlotId[] orphans = [.. Worlds.Slots.Where(s => before.Home(s) == nodes[0].Id)];
        foreach (SyncNode node in nodes[1..])
        {
            int could = orphans.Count(s => before.Holds(node.Id, s));
            int room = Worlds.Loads(after, 4, homes: true)[node.Id.Value]
                - Worlds.Loads(before, 4, homes: true)[node.Id.Value];
            Assert.Equal(Math.Min(could, room),
                orphans.Count(s => after.Home(s) == node.Id && before.Holds(node.Id, s)));
        }
    }

    [Fact]
    public void Place_ZoneOfTwoRegionsRemoved_OtherRegionKeepsItsReplicas()
    {
        SyncNode[] nodes = Worlds.Nodes("us-east-a", "us-east-b", "us-east-c", "eu-west-a", "eu-west-b");
        RecordClass both = Worlds.Class(["us-east", "eu-west"], copyRegions: 2);
        SlotMap before = _minimum.Place(both, nodes, null, 1);

        SlotMap after = _minimum.Place(both, nodes[1..], before, 2);

        Assert.All(Worlds.Slots, s => Assert.All(before.Replicas(s).ToArray().Where(n => n.Value > 0), n =>
            Assert.True(after.Holds(n, s))));
    }

    [Fact]
    public void Place_ThreeHundredNodes_ArePlacedEvenly()
    {
        SyncNode[] nodes = Zones(301);
        RecordClass one = Worlds.Class(["us-east"], copyZones: 2);
        SlotMap before = _minimum.Place(one, nodes[..300], null, 1);

        SlotMap after = _minimum.Place(one, nodes, before, 2);

        Assert.All(Worlds.Loads(after, 301, homes: true), h => Assert.InRange(h, 13, 14));
        Assert.All(Worlds.Loads(after, 301, homes: false), h => Assert.InRange(h, 27, 28));
        Assert.InRange(SlotMoves.Between(before, after).Homes, 13, 14);
    }

    [Fact]
    public void Place_NoNodeInItsRegions_NamesTheClass()
    {
        var fault = Assert.Throws<PlacementException>(() => _minimum.Place(
            Worlds.Class(["ap-southeast"], name: "apac-personal"), Worlds.Nodes("us-east-a"), null, 1));

        Assert.Contains("apac-personal", fault.Message, StringComparison.Ordinal);
        Assert.Contains("ap-southeast", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Place_NoNodeInItsHomeRegion_NamesTheClassAndRegion()
    {
        var fault = Assert.Throws<PlacementException>(() => _minimum.Place(
            Worlds.Class(["us-east", "eu-west"], homeRegion: "eu-west", name: "global"),
            Worlds.Nodes("us-east-a"), null, 1));

        Assert.Contains("global", fault.Message, StringComparison.Ordinal);
        Assert.Contains("eu-west", fault.Message, StringComparison.Ordinal);
    }

    private static SyncNode[] Zones(int count) => Worlds.Nodes(
        [.. Enumerable.Range(0, count).Select(i => $"us-east-z{i}")]);
}
