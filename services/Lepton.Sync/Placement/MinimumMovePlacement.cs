using Lepton.Sync.Records;

namespace Lepton.Sync.Placement;

/// <summary>
/// The default: changes the map there is as little as it can so that each node's share of homes, and of slots held, is
/// within 1 of its weighted ideal, as far as the class's regions and zones allow. Three steps, each a
/// <see cref="SlotAssignment"/>: homes; the regions of each slot; the zones in each region. Without an earlier map it
/// starts from the rendezvous map, which breaks ties too.
/// </summary>
internal sealed class MinimumMovePlacement : IPlacementStrategy
{
    public const string StrategyName = "minimum-move";

    public string Name => StrategyName;

    public SlotId SlotOf(ReadOnlySpan<byte> storedKey, int homes) => KeyHash.SlotOf(storedKey);

    public SlotMap Place(RecordClass recordClass, IReadOnlyList<SyncNode> nodes, SlotMap? previous, long epoch)
    {
        var ground = new PlacementGround(recordClass, nodes);
        var scores = new RendezvousScores(ground);
        var before = Before(ground, scores, previous);
        var homes = PlaceHomes(ground, scores, before);
        var regions = PlaceRegions(ground, scores, before, homes);
        var held = PlaceZones(ground, scores, before, homes, regions);
        var replicas = new NodeId[SlotId.Count][];
        for (var slot = 0; slot < replicas.Length; slot++)
            replicas[slot] = SlotLists.Order(ground, scores, slot, homes[slot], held[slot]);
        return SlotLists.ToMap(replicas, previous, epoch);
    }

    // What each slot had, of the nodes that are still there: -1 where the home is not.
    private static (int Home, int[] Held)[] Before(PlacementGround ground, RendezvousScores scores, SlotMap? previous)
    {
        var before = new (int, int[])[SlotId.Count];
        var numbers = ground.Nodes.Select((n, i) => (n.Id, i)).ToDictionary(p => p.Id, p => p.i);
        for (short slot = 0; slot < SlotId.Count; slot++)
        {
            if (previous is null)
            {
                var (home, held) = RendezvousPlacement.Pick(ground, scores, slot);
                before[slot] = (home, [.. held]);
                continue;
            }
            var replicas = previous.Replicas(new SlotId(slot)).ToArray();
            before[slot] = (numbers.GetValueOrDefault(replicas[0], -1),
                [.. replicas.Where(numbers.ContainsKey).Select(r => numbers[r])]);
        }
        return before;
    }

    private static int[] PlaceHomes(
        PlacementGround ground, RendezvousScores scores, (int Home, int[] Held)[] before)
    {
        var weight = ground.Homes.Sum(n => (double)ground.Nodes[n].Weight);
        var bins = ground.Homes.Select((n, b) => (n, b)).ToDictionary(p => p.n, p => p.b);
        var solved = SlotAssignment.Solve(new SlotDemand
        {
            Wanted = Fill(1),
            Taken = Fill(-1),
            Previous = [.. before.Select(s => bins.TryGetValue(s.Home, out var bin) ? [bin] : Array.Empty<int>())],
            Ideals = [.. ground.Homes.Select(n => SlotId.Count * ground.Nodes[n].Weight / weight)],
            // A home that is one moves nothing; a replica that becomes one moves no data.
            Worth = (slot, bin) => before[slot].Home == ground.Homes[bin] ? 2
                : before[slot].Held.Contains(ground.Homes[bin]) ? 1 : 0,
            Score = (slot, bin) => scores.OfNode(slot, ground.Homes[bin]),
        });
        return [.. solved.Select(bin => ground.Homes[bin[0]])];
    }

    private static IReadOnlyList<int>[] PlaceRegions(
        PlacementGround ground, RendezvousScores scores, (int Home, int[] Held)[] before, int[] homes)
    {
        int[] homeRegions = [.. homes.Select(n => ground.RegionOf[n])];
        var homesOf = Count(homeRegions, ground.Regions.Length);
        var ideals = Shares.Ideal(
            (double)SlotId.Count * ground.CopyRegions,
            [.. ground.RegionWeights.Select((w, r) => (double)w / ground.CopyZones[r])],
            [.. homesOf.Select(h => (double)h)],
            [.. homesOf.Select(_ => (double)SlotId.Count)]);
        var others = SlotAssignment.Solve(new SlotDemand
        {
            Wanted = Fill(ground.CopyRegions - 1),
            Taken = homeRegions,
            Previous = [.. before.Select(s => s.Held.Select(n => ground.RegionOf[n]).Distinct().ToArray())],
            Ideals = [.. ideals.Select((x, r) => x - homesOf[r])],
            Worth = (slot, region) => before[slot].Held.Count(n => ground.RegionOf[n] == region),
            Score = scores.OfRegion,
        });
        return [.. others.Select((o, slot) => (int[])[homeRegions[slot], .. o])];
    }

    private static List<int>[] PlaceZones(
        PlacementGround ground, RendezvousScores scores, (int Home, int[] Held)[] before, int[] homes,
        IReadOnlyList<int>[] regions)
    {
        List<int>[] held = [.. homes.Select(home => new List<int> { home })];
        for (var region = 0; region < ground.Regions.Length; region++)
        {
            var members = ground.NodesOf[region];
            bool[] isHere = [.. regions.Select(r => r.Contains(region))];
            int[] taken = [.. homes.Select(home => Array.IndexOf(members, home))];
            int[] wanted = [.. isHere.Select((h, s) => h ? ground.CopyZones[region] - (taken[s] < 0 ? 0 : 1) : 0)];
            var homesOf = Count(taken, members.Length);
            var slots = isHere.Count(h => h);
            var ideals = Shares.Ideal(
                (double)slots * ground.CopyZones[region],
                [.. members.Select(n => (double)ground.Nodes[n].Weight)],
                [.. homesOf.Select(h => (double)h)],
                [.. members.Select(_ => (double)slots)]);
            var others = SlotAssignment.Solve(new SlotDemand
            {
                Wanted = wanted,
                Taken = taken,
                Previous = [.. before.Select((s, slot) => isHere[slot]
                    ? s.Held.Select(n => Array.IndexOf(members, n)).Where(b => b >= 0).ToArray()
                    : [])],
                Ideals = [.. ideals.Select((x, b) => x - homesOf[b])],
                Worth = (slot, bin) => before[slot].Held.Contains(members[bin]) ? 1 : 0,
                Score = (slot, bin) => scores.OfNode(slot, members[bin]),
            });
            for (var slot = 0; slot < held.Length; slot++)
                held[slot].AddRange(others[slot].Select(bin => members[bin]));
        }
        return held;
    }

    private static int[] Fill(int value)
    {
        var all = new int[SlotId.Count];
        Array.Fill(all, value);
        return all;
    }

    private static int[] Count(int[] bins, int count)
    {
        var counts = new int[count];
        foreach (var bin in bins.Where(b => b >= 0))
            counts[bin]++;
        return counts;
    }
}
