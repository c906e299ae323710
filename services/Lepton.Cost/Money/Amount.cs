using System.Globalization;

namespace Lepton.Cost.Money;

/// <summary>
/// Money in whole millionths of a currency's unit. Every operation is checked: what does not fit, about 9.2 million
/// million units, and what mixes currencies throws; nothing is rounded unless a method says how.
/// </summary>
/// <param name="Micros">Millionths; negative is a credit.</param>
/// <param name="Currency">Of what.</param>
internal readonly record struct Amount(long Micros, Currency Currency) : IComparable<Amount>
{
    /// <summary>Millionths in one unit.</summary>
    public const long MicrosPerUnit = 1_000_000;

    private const int Digits = 6;

    /// <summary>Nothing.</summary>
    public static Amount Zero(Currency currency) => new(0, currency);

    public static Amount operator +(Amount a, Amount b) => new(checked(a.Micros + Same(a, b).Micros), a.Currency);

    public static Amount operator -(Amount a, Amount b) => new(checked(a.Micros - Same(a, b).Micros), a.Currency);

    public static Amount operator -(Amount a) => new(checked(-a.Micros), a.Currency);

    public static bool operator <(Amount a, Amount b) => a.CompareTo(b) < 0;

    public static bool operator >(Amount a, Amount b) => a.CompareTo(b) > 0;

    public static bool operator <=(Amount a, Amount b) => a.CompareTo(b) <= 0;

    public static bool operator >=(Amount a, Amount b) => a.CompareTo(b) >= 0;

    /// <summary>From a wider sum.</summary>
    /// <exception cref="OverflowException">It does not fit.</exception>
    public static Amount FromMicros(Int128 micros, Currency currency) => new(checked((long)micros), currency);

    /// <summary>Sums, in 128 bits on the way.</summary>
    /// <exception cref="OverflowException">The sum does not fit.</exception>
    /// <exception cref="CurrencyMismatchException">They are not all of this currency.</exception>
    public static Amount Sum(IEnumerable<Amount> amounts, Currency currency)
    {
        Int128 micros = 0;
        foreach (var amount in amounts)
            micros += Same(new Amount(0, currency), amount).Micros;
        return FromMicros(micros, currency);
    }

    /// <summary>Reads <c>12.5</c>: digits, a point and at most six digits more; a minus in front of credits.</summary>
    /// <exception cref="FormatException">It is nothing of the kind, or does not fit.</exception>
    public static Amount Parse(string text, Currency currency) =>
        Fixed.TryParse(text, Digits, out var micros)
            ? new Amount(micros, currency)
            : throw new FormatException($"takes an amount like 12.50 with at most 6 decimals, not \"{text}\"");

    /// <summary>This amount times a whole fraction, rounded half to even.</summary>
    public Amount Times(long numerator, long denominator) =>
        FromMicros(Rounding.HalfEven((Int128)Micros * numerator, denominator), Currency);

    public int CompareTo(Amount other) => Micros.CompareTo(Same(this, other).Micros);

    /// <summary>Decimals without grouping, as few as needed: <c>12.5</c>.</summary>
    public string ToDecimal() => Fixed.Write(Micros, Digits);

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{ToDecimal()} {Currency?.Code}");

    private static Amount Same(Amount a, Amount b) => ReferenceEquals(a.Currency, b.Currency)
        ? b
        : throw new CurrencyMismatchException(a.Currency, b.Currency);
}

/// <summary>Two currencies where one is needed: a bug, or a conversion that was left out.</summary>
internal sealed class CurrencyMismatchException(Currency? one, Currency? other)
    : InvalidOperationException($"{one?.Code ?? "no currency"} and {other?.Code ?? "no currency"} are not added.");
