using FsCheck;
using FsCheck.Fluent;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Sync.Tests.Placement;

/// <summary>What holds for every map (S1, S6), over random worlds. FsCheck prints the seed of a failure.</summary>
public sealed class PlacementPropertyTests
{
    private static readonly string[] World = ["aa", "bb", "cc", "dd", "ee"];
    private static readonly MinimumMovePlacement Minimum = new();
    private static readonly Config Few = Config.QuickThrowOnFailure.WithMaxTest(30);

    /// <summary>A class, and the sets of nodes that it is placed on one after the other.</summary>
    internal sealed record Case(RecordClass Class, SyncNode[][] Steps)
    {
        public override string ToString() => $"{Class} allows {string.Join(',', Class.Regions)}; "
            + string.Join(" then ", Steps.Select(s => string.Join(',', s.Select(n => $"{n.Name}:{n.Weight}"))));
    }

    private static Arbitrary<Case> Cases()
    {
        var gen =
            from mask in Gen.Choose(1, 31)
            from zones in Gen.ArrayOf(Gen.Choose(1, 4), World.Length)
            from weights in Gen.ArrayOf(Gen.OneOf(Gen.Constant(100), Gen.Choose(1, 1000)), 20)
            from copyRegions in Gen.Choose(1, 5)
            from copyZones in Gen.Choose(1, 3)
            from homeIndex in Gen.Choose(-5, 4)
            from absent in Gen.ArrayOf(Gen.ArrayOf(Gen.Choose(0, 19), 3), 3)
            select Build(mask, zones, weights, copyRegions, copyZones, homeIndex, absent);
        return gen.Where(c => c.Steps.All(s => IsPlaceable(c.Class, s))).ToArbitrary();
    }

    private static Case Build(
        int mask, int[] zones, int[] weights, int copyRegions, int copyZones, int homeIndex, int[][] absent)
    {
        string[] regions = [.. World.Where((_, i) => (mask >> i & 1) != 0)];
        SyncNode[] all = Worlds.Nodes([.. World.SelectMany((r, i) => Enumerable.Range(0, zones[i])
            .Select(z => $"{r}-{(char)('a' + z)}:{weights[i * 4 + z]}"))]);
        var recordClass = Worlds.Class(regions, Math.Min(copyRegions, regions.Length), copyZones,
            homeIndex < 0 ? null : regions[homeIndex % regions.Length]);
        return new Case(recordClass, [.. absent.Select(gone => all.Where(n => !gone.Contains(n.Id.Value)).ToArray())]);
    }

    private static bool IsPlaceable(RecordClass c, SyncNode[] nodes) =>
        nodes.Any(n => c.Allows(n.Region) && (c.HomeRegion ?? n.Region) == n.Region);

    [Fact]
    public void Place_AnyWorldAndChange_KeepsResidencyAndSpread() => Prop.ForAll(Cases(), c =>
        PlacementStrategies.All.All(strategy =>
        {
            SlotMap? map = null;
            return c.Steps.All(nodes =>
            {
                map = strategy.Place(c.Class, nodes, map, 7);
                return Worlds.Slots.All(s => IsSound(c.Class, nodes, map.Replicas(s).ToArray()));
            });
        })).Check(Few);

    // Home rule, only allowed regions, the right number of regions, the right number of zones of each, nobody twice.
    private static bool IsSound(RecordClass c, SyncNode[] nodes, NodeId[] replicas)
    {
        var byId = nodes.ToDictionary(n => n.Id);
        var held = replicas.Select(r => byId[r]).ToArray();
        var byRegion = held.GroupBy(n => n.Region).ToArray();
        var present = nodes.Where(n => c.Allows(n.Region)).GroupBy(n => n.Region)
            .ToDictionary(g => g.Key, g => g.Count());
        return held.Distinct().Count() == held.Length
            && (c.HomeRegion is null || held[0].Region == c.HomeRegion)
            && byRegion.Length == Math.Min(c.CopyRegions, present.Count)
            && byRegion.All(g => present.TryGetValue(g.Key, out var zones)
                && g.Count() == Math.Min(c.CopyZones, zones))
            && held.TakeWhile(n => n.Region == held[0].Region).Count()
                == byRegion.First(g => g.Key == held[0].Region).Count();
    }

    [Fact]
    public void Place_MinimumMove_GivesEachItsShare() => Prop.ForAll(Cases(), c =>
    {
        SlotMap? map = null;
        return c.Steps.All(nodes =>
        {
            map = Minimum.Place(c.Class, nodes, map, 7);
            return HasShares(c.Class, nodes, map);
        });
    }).Check(Few);

    private static bool HasShares(RecordClass c, SyncNode[] nodes, SlotMap map)
    {
        int[] homes = Worlds.Loads(map, 20, homes: true), held = Worlds.Loads(map, 20, homes: false);
        SyncNode[] allowed = [.. nodes.Where(n => c.Allows(n.Region))];
        SyncNode[] canBeHome = [.. allowed.Where(n => (c.HomeRegion ?? n.Region) == n.Region)];
        double weight = canBeHome.Sum(n => n.Weight);
        bool homesHold = canBeHome.All(n => Math.Abs(homes[n.Id.Value] - 4096 * n.Weight / weight) < 1);

        // Between two zones of a region, one that has more than by weight must be bound by its homes, and one that has
        // less by holding every slot of the region: else slots could go from the one to the other.
        return homesHold && allowed.GroupBy(n => n.Region).All(region =>
        {
            int slots = Worlds.Slots.Count(s => map.Replicas(s).ToArray()
                .Any(r => region.Any(n => n.Id == r)));
            return region.All(more => region.All(less =>
                homes[more.Id.Value] >= held[more.Id.Value] - 1 || held[less.Id.Value] >= slots - 1
                || (held[more.Id.Value] - 1.0) / more.Weight <= (held[less.Id.Value] + 1.0) / less.Weight + 1e-9));
        });
    }

    [Fact]
    public void Place_NodesInAnyOrder_IsTheSameMap() => Prop.ForAll(Cases(), c =>
        PlacementStrategies.All.All(strategy =>
        {
            SlotMap? one = null, other = null;
            return c.Steps.All(nodes =>
            {
                one = strategy.Place(c.Class, nodes, one, 7);
                other = strategy.Place(c.Class, [.. nodes.Reverse()], other, 7);
                return Worlds.AreSame(one, other);
            });
        })).Check(Few);

    [Fact]
    public void Place_NothingChanged_IsTheSameMap() => Prop.ForAll(Cases(), c =>
    {
        var first = Minimum.Place(c.Class, c.Steps[0], null, 3);
        var changed = Minimum.Place(c.Class, c.Steps[1], first, 4);

        return Worlds.AreSame(first, Minimum.Place(c.Class, c.Steps[0], first, 4))
            && Worlds.AreSame(changed, Minimum.Place(c.Class, c.Steps[1], changed, 5));
    }).Check(Few);

    [Fact]
    public void Place_AnyChange_TermIsNewExactlyWhereTheHomeIs() => Prop.ForAll(Cases(), c =>
    {
        var first = Minimum.Place(c.Class, c.Steps[0], null, 3);
        var next = Minimum.Place(c.Class, c.Steps[1], first, 9);

        return Worlds.Slots.All(s => first.Term(s) == 3
            && next.Term(s) == (next.Home(s) == first.Home(s) ? 3 : 9));
    }).Check(Few);

    [Fact]
    public void Place_AnyChange_MovesOnlyTheHomesItMust() => Prop.ForAll(Cases(), c =>
    {
        var first = Minimum.Place(c.Class, c.Steps[0], null, 3);
        var next = Minimum.Place(c.Class, c.Steps[1], first, 9);
        int[] before = Worlds.Loads(first, 20, homes: true), after = Worlds.Loads(next, 20, homes: true);

        return SlotMoves.Between(first, next).Homes == before.Zip(after, (b, a) => Math.Max(0, b - a)).Sum();
    }).Check(Few);
}
