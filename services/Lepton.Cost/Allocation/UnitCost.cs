using Lepton.Cost.Money;
using Lepton.Cost.Usage;

namespace Lepton.Cost.Allocation;

/// <summary>What one of something cost (B5's figures; planning comes later). Rounded half to even.</summary>
internal static class UnitCost
{
    private const long MillisecondsPerHour = 3_600_000;

    /// <summary>Of 1,000 inferences; null: there was none.</summary>
    public static Amount? PerThousand(Amount cost, long inferences) => Per(cost, 1_000, inferences);

    /// <summary>Of a GPU's hour; null: no GPU worked.</summary>
    public static Amount? PerGpuHour(Amount cost, long gpuMilliseconds) =>
        Per(cost, MillisecondsPerHour, gpuMilliseconds);

    /// <summary>Of each tenant: what is his of the bill.</summary>
    public static IReadOnlyDictionary<string, Amount> PerConsumer(IEnumerable<CostShare> shares) =>
        shares.GroupBy(s => s.Consumer).ToDictionary(g => g.Key,
            g => Amount.Sum(g.Select(s => s.Cost), g.First().Cost.Currency));

    private static Amount? Per(Amount cost, long many, long count) => count <= 0 ? null : cost.Times(many, count);
}

/// <summary>What was paid less than on demand (E3).</summary>
/// <param name="OnDemand">What it would have cost.</param>
/// <param name="Paid">What it cost.</param>
internal sealed record Savings(Amount OnDemand, Amount Paid)
{
    /// <summary>May be negative: spot can cost more.</summary>
    public Amount Saved => OnDemand - Paid;

    /// <summary>Of the on-demand cost, in hundredths of a percent; 0 where that is 0.</summary>
    public long BasisPoints => OnDemand.Micros == 0 ? 0
        : (long)Rounding.HalfEven((Int128)Saved.Micros * 10_000 * Math.Sign(OnDemand.Micros),
            Int128.Abs(OnDemand.Micros));

    /// <summary>Of these charges.</summary>
    public static Savings Of(IEnumerable<Charge> charges, Currency currency)
    {
        var (list, paid) = (ExactAmount.Zero(currency), ExactAmount.Zero(currency));
        foreach (var charge in charges)
            (list, paid) = (list + charge.ListCost, paid + charge.Cost);
        return new Savings(list.Round(), paid.Round());
    }
}
