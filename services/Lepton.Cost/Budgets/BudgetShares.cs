using Lepton.Cost.Money;

namespace Lepton.Cost.Budgets;

/// <summary>
/// What each region may spend of a limit without asking. Both limit and weights are in the budget's record, which every
/// region has: so each begins a new period with its own share, cut off or not, and the shares add up to the limit.
/// </summary>
internal static class BudgetShares
{
    /// <summary>A region asks for more below this part of its first share: a tenth.</summary>
    public const int LowPerMille = 100;

    /// <summary>The shares at a period's start.</summary>
    /// <param name="limit">The budget's limit; 0 or more.</param>
    /// <param name="weights">By region, 0 or more, one at least above 0; e.g. last month's spend.</param>
    public static IReadOnlyDictionary<string, long> Of(Amount limit, IReadOnlyDictionary<string, long> weights)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit.Micros, nameof(limit));
        string[] regions = [.. weights.Keys.Order(StringComparer.Ordinal)];
        var parts = LargestRemainder.Divide(limit, [.. regions.Select(r => (Int128)weights[r])]);
        return Enumerable.Range(0, regions.Length).ToDictionary(i => regions[i], i => parts[i].Micros);
    }

    /// <summary>How much a region should ask for: up to its first share again; 0: it has enough.</summary>
    public static long Wanted(BudgetStanding standing, long firstShareMicros) =>
        (Int128)standing.FreeMicros * 1000 > (Int128)firstShareMicros * LowPerMille ? 0
            : Math.Max(1, firstShareMicros - standing.FreeMicros);
}
