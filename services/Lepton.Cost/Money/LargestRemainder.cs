using System.Numerics;

namespace Lepton.Cost.Money;

/// <summary>
/// Division that adds up. Each gets its exact share rounded down; what is left over, less than one unit for each, goes
/// one by one to the largest fractions (Hamilton's method); equal fractions: to the first of them. So no part is a
/// whole
/// unit away from its exact share, and the parts' sum is the total.
/// </summary>
internal static class LargestRemainder
{
    /// <summary>Divides.</summary>
    /// <param name="total">Any; of a negative one the parts are those of the positive, negated.</param>
    /// <param name="weights">1 or more of them, each 0 or more, one at least above 0.</param>
    public static Int128[] Divide(Int128 total, IReadOnlyList<Int128> weights)
    {
        BigInteger sum = 0;
        foreach (var weight in weights)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(weight, nameof(weights));
            sum += (BigInteger)weight;
        }
        if (sum.IsZero)
            throw new ArgumentException("takes one weight above 0 at least", nameof(weights));

        var whole = BigInteger.Abs((BigInteger)total);
        var sign = Int128.IsNegative(total) ? -1 : 1;
        var parts = new BigInteger[weights.Count];
        var fractions = new BigInteger[weights.Count];
        var left = whole;
        for (var i = 0; i < parts.Length; i++)
        {
            // Wider than 128 bits on the way: a year's exact total times a year's bytes is not small.
            parts[i] = BigInteger.DivRem(whole * (BigInteger)weights[i], sum, out fractions[i]);
            left -= parts[i];
        }
        foreach (var i in Enumerable.Range(0, parts.Length).OrderByDescending(i => fractions[i]).Take((int)left))
            parts[i]++; // OrderByDescending is stable: of equals the first
        return [.. parts.Select(part => (Int128)(part * sign))];
    }

    /// <summary>Divides an amount.</summary>
    public static Amount[] Divide(Amount total, IReadOnlyList<Int128> weights) =>
        [.. Divide(total.Micros, weights).Select(micros => Amount.FromMicros(micros, total.Currency))];

    /// <summary>
    /// Rounds exact amounts to millionths so that they add up to their rounded total: rounded down, and the missing
    /// millionths to the largest remainders; equals: to the first.
    /// </summary>
    public static Amount[] Round(IReadOnlyList<ExactAmount> exact, Currency currency)
    {
        var total = exact.Aggregate(ExactAmount.Zero(currency), (sum, one) => sum + one).Round();
        var split = exact.Select(one => one.Split()).ToArray();
        Int128 left = total.Micros;
        foreach (var (micros, _) in split)
            left -= micros;
        var rounded = split.Select(s => s.Micros).ToArray();
        foreach (var i in Enumerable.Range(0, split.Length).OrderByDescending(i => split[i].Remainder).Take((int)left))
            rounded[i] = checked(rounded[i] + 1);
        return [.. rounded.Select(micros => new Amount(micros, currency))];
    }
}
