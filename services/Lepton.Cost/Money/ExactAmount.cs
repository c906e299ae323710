namespace Lepton.Cost.Money;

/// <summary>
/// Money without any rounding: whole parts of which <see cref="PartsPerMicro"/> make a millionth. Every quantity that
/// is metered, times every price that a book can hold, is a whole number of them, so that charges add up in any order,
/// on any machine, and a reversal takes away exactly what was charged. Rounded once, when a bill is made.
/// Range: ±2.5 × 10^20 units.
/// </summary>
/// <param name="Parts">How many.</param>
/// <param name="Currency">Of what.</param>
internal readonly record struct ExactAmount(Int128 Parts, Currency Currency)
{
    /// <summary>
    /// A common multiple of what prices are per, in the meters' smallest units: 3,600,000 ms (an hour), 10^9 bytes
    /// (a gigabyte), 10^6 requests or items, 730,000 megabyte-hours (a gigabyte for a month of 730 hours).
    /// </summary>
    public const long PartsPerMicro = 657_000_000_000;

    /// <summary>Nothing.</summary>
    public static ExactAmount Zero(Currency currency) => new(0, currency);

    /// <summary>An amount, exactly.</summary>
    public static ExactAmount From(Amount amount) => new((Int128)amount.Micros * PartsPerMicro, amount.Currency);

    /// <summary>As a database keeps it: whole millionths, rounded down, and the parts that remain.</summary>
    /// <param name="micros">Millionths.</param>
    /// <param name="remainder">0 to <see cref="PartsPerMicro"/>, exclusive; sums of a column of them are
    /// carried.</param>
    /// <param name="currency">Of what.</param>
    public static ExactAmount From(Int128 micros, Int128 remainder, Currency currency) =>
        new(checked((micros * PartsPerMicro) + remainder), currency);

    public static ExactAmount operator +(ExactAmount a, ExactAmount b) => ReferenceEquals(a.Currency, b.Currency)
        ? new(checked(a.Parts + b.Parts), a.Currency)
        : throw new CurrencyMismatchException(a.Currency, b.Currency);

    public static ExactAmount operator -(ExactAmount a) => new(checked(-a.Parts), a.Currency);

    public static ExactAmount operator -(ExactAmount a, ExactAmount b) => a + -b;

    /// <summary>Whole millionths, rounded down, and the parts that remain: 0 or more.</summary>
    public (long Micros, long Remainder) Split()
    {
        var (micros, remainder) = Int128.DivRem(Parts, PartsPerMicro);
        if (Int128.IsNegative(remainder))
            (micros, remainder) = (micros - 1, remainder + PartsPerMicro);
        return (checked((long)micros), (long)remainder);
    }

    /// <summary>To the nearest millionth, half to even.</summary>
    public Amount Round() => Amount.FromMicros(Rounding.HalfEven(Parts, PartsPerMicro), Currency);
}
