using System.Diagnostics;
using Lepton.Sync.Records;

namespace Lepton.Sync.Placement;

/// <summary>
/// S2, the reference: shard = key mod N, N being the nodes that may be home in the order of their names. A key that is
/// a whole number (its text after the tenant: digits, a minus sign or none, of any length) counts as that number, a
/// negative one by the remainder that is not negative (-1 mod 3 = 2); any other key counts by its hash
/// (<see cref="KeyHash"/>, unsigned). Nearly every key moves when N changes; weights do not count.
/// </summary>
internal sealed class ModuloPlacement : IPlacementStrategy
{
    public const string StrategyName = "modulo";

    public string Name => StrategyName;

    /// <summary>The shard of a key, 0 to <paramref name="shards"/> - 1.</summary>
    /// <param name="storedKey">A stored key, with or without <c>TENANT/</c>.</param>
    /// <param name="shards">N, 1 to 4,096.</param>
    public static int ShardOf(ReadOnlySpan<byte> storedKey, int shards)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shards, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(shards, SlotId.Count);
        var number = storedKey[(storedKey.IndexOf((byte)'/') + 1)..];
        var isNegative = number is [(byte)'-', ..];
        if (isNegative)
            number = number[1..];
        if (number.IsEmpty || number.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            return (int)(KeyHash.Of(storedKey) % (ulong)shards);
        var remainder = 0;
        foreach (var digit in number)
            remainder = (remainder * 10 + (digit - '0')) % shards;
        return isNegative && remainder > 0 ? shards - remainder : remainder;
    }

    /// <summary>
    /// The key by the greatest multiple of N that is no more than the slots: so slot mod N is key mod N for all keys.
    /// </summary>
    public SlotId SlotOf(ReadOnlySpan<byte> storedKey, int homes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(homes, 1);
        return new SlotId((short)ShardOf(storedKey, SlotId.Count - SlotId.Count % homes));
    }

    public SlotMap Place(RecordClass recordClass, IReadOnlyList<SyncNode> nodes, SlotMap? previous, long epoch)
    {
        var ground = new PlacementGround(recordClass, nodes);
        var replicas = new NodeId[SlotId.Count][];
        for (var slot = 0; slot < replicas.Length; slot++)
            replicas[slot] = [.. Pick(ground, slot).Select(n => ground.Nodes[n].Id)];
        return SlotLists.ToMap(replicas, previous, epoch);
    }

    // The home; the nodes of its region that follow it in the circle; the regions that follow, from one node on each.
    private static IEnumerable<int> Pick(PlacementGround ground, int slot)
    {
        var (round, shard) = Math.DivRem(slot, ground.Homes.Length);
        var home = ground.Homes[shard];
        for (var i = 0; i < ground.CopyRegions; i++)
        {
            var region = (ground.RegionOf[home] + i) % ground.Regions.Length;
            var members = ground.NodesOf[region];
            var first = i == 0 ? Array.IndexOf(members, home) : (shard + round) % members.Length;
            Debug.Assert(first >= 0, "A home is in its region.");
            for (var zone = 0; zone < ground.CopyZones[region]; zone++)
                yield return members[(first + zone) % members.Length];
        }
    }
}
