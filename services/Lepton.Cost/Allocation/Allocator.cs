using Lepton.Cost.Money;

namespace Lepton.Cost.Allocation;

/// <summary>
/// Divides a bill (B3). Each line's parts add up to the line, so that all add up to the bill, to the millionth. First
/// what was used, by use; then what was not, by each line's rule. A rule that nobody has a weight in (proportional, and
/// nobody has a direct cost) leaves the part to nobody, where it is seen, instead of inventing a division.
/// </summary>
internal static class Allocator
{
    /// <summary>Lines and consumers of one allocation.</summary>
    public const int PoolsMax = 100_000;

    /// <summary>Divides.</summary>
    /// <param name="pools">The bill's lines, all in one currency.</param>
    /// <param name="consumers">Who shares evenly; others appear by their use.</param>
    public static IReadOnlyList<CostShare> Allocate(
        IReadOnlyList<CostPool> pools, IReadOnlyCollection<string> consumers)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pools.Count, PoolsMax);
        List<CostShare> shares = [];
        var rests = new Amount[pools.Count];
        for (var i = 0; i < pools.Count; i++)
            rests[i] = DivideUsed(pools[i], shares);

        // Proportional to direct costs of the whole bill, known only now.
        Dictionary<string, Int128> direct = [];
        foreach (var share in shares)
            direct[share.Consumer] = direct.GetValueOrDefault(share.Consumer) + share.Cost.Micros;
        string[] all = [.. consumers.Union(direct.Keys).Order(StringComparer.Ordinal)];
        for (var i = 0; i < pools.Count; i++)
            DivideRest(pools[i], rests[i], all, direct, shares);
        return shares;
    }

    private static Amount DivideUsed(CostPool pool, List<CostShare> shares)
    {
        Int128 used = 0;
        foreach (var (consumer, units) in pool.Uses)
            used += units >= 0 ? units
                : throw new ArgumentOutOfRangeException(nameof(pool), $"{pool.Name}: {consumer} used less than 0.");
        if (used == 0 || pool.Capacity <= 0)
            return pool.Cost;
        var uses = pool.Uses.OrderBy(u => u.Key, StringComparer.Ordinal).ToArray();
        var idle = used < pool.Capacity ? pool.Capacity - used : 0;
        var parts = LargestRemainder.Divide(pool.Cost, [.. uses.Select(u => (Int128)u.Value), idle]);
        for (var i = 0; i < uses.Length; i++)
            shares.Add(new CostShare(pool.Name, uses[i].Key, ShareKind.Direct, parts[i]));
        return parts[^1];
    }

    private static void DivideRest(CostPool pool, Amount rest, string[] consumers,
        Dictionary<string, Int128> direct, List<CostShare> shares)
    {
        if (rest.Micros == 0)
            return;
        var kind = pool.Capacity > 0 ? ShareKind.Idle : ShareKind.Shared;
        // A credit can make a direct cost negative: who got more back than he paid carries nothing of what is shared.
        Int128[] weights = [.. consumers.Select(consumer => pool.Rest switch
        {
            SharingRule.Even => 1,
            SharingRule.Proportional => Int128.Max(direct.GetValueOrDefault(consumer), 0),
            SharingRule.Fixed f => Weight(f.Shares, consumer, pool),
            SharingRule.ByUsage u => Weight(u.Units, consumer, pool),
            _ => 0,
        })];
        if (!weights.Any(w => w > 0))
        {
            shares.Add(new CostShare(pool.Name, "", kind, rest));
            return;
        }
        var parts = LargestRemainder.Divide(rest, weights);
        for (var i = 0; i < consumers.Length; i++)
            if (weights[i] > 0)
                shares.Add(new CostShare(pool.Name, consumers[i], kind, parts[i]));
    }

    private static Int128 Weight(IReadOnlyDictionary<string, long> weights, string consumer, CostPool pool) =>
        weights.GetValueOrDefault(consumer) is >= 0 and var weight ? weight
            : throw new ArgumentOutOfRangeException(nameof(pool), $"{pool.Name}: {consumer} has a weight below 0.");
}
