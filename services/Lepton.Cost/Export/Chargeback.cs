using Lepton.Cost.Allocation;
using Lepton.Cost.Budgets;

namespace Lepton.Cost.Export;

/// <summary>Who pays how much for what, as CSV; the rows add up to the bill.</summary>
internal static class Chargeback
{
    /// <summary>What stands where a share is nobody's.</summary>
    public const string Nobody = "(unallocated)";

    /// <summary>Writes: period, consumer, pool, kind, cost, currency; by consumer, pool and kind.</summary>
    public static void Write(TextWriter writer, BudgetPeriod period, IEnumerable<CostShare> shares)
    {
        Csv.Write(writer, ["period", "consumer", "pool", "kind", "cost", "currency"]);
        foreach (var share in shares.OrderBy(s => s.Consumer, StringComparer.Ordinal)
            .ThenBy(s => s.Pool, StringComparer.Ordinal).ThenBy(s => s.Kind))
            Csv.Write(writer,
            [
                period.ToString(), share.Consumer.Length == 0 ? Nobody : Guard(share.Consumer), Guard(share.Pool),
                share.Kind.ToString(), share.Cost.ToDecimal(), share.Cost.Currency.Code,
            ]);
    }

    // Spreadsheets run what begins so: a name must not become a formula.
    private static string Guard(string name) => name is ['=' or '+' or '-' or '@' or '\t' or '\r', ..] ? "'" + name
        : name;
}
