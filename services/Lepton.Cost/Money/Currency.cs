using System.Collections.Frozen;
using System.Globalization;

namespace Lepton.Cost.Money;

/// <summary>
/// A currency by ISO 4217: the national ones in circulation (<c>iso4217.csv</c>), without funds, metals and test codes.
/// </summary>
internal sealed class Currency
{
    private static readonly FrozenDictionary<string, Currency> Known = Load();

    private Currency(string code, int minorDigits) => (Code, MinorDigits) = (code, minorDigits);

    /// <summary>The US dollar.</summary>
    public static Currency Usd { get; } = Parse("USD");

    /// <summary>All of them, by code.</summary>
    public static IReadOnlyCollection<Currency> All => Known.Values;

    /// <summary>Three capital letters, e.g. <c>USD</c>.</summary>
    public string Code { get; }

    /// <summary>Decimal digits of its minor unit, 0 to 3; amounts are kept in millionths whatever it is.</summary>
    public int MinorDigits { get; }

    /// <summary>Finds it by its code.</summary>
    /// <exception cref="FormatException">There is none of this code.</exception>
    public static Currency Parse(string code) => Find(code)
        ?? throw new FormatException($"takes a currency of ISO 4217 in three capital letters, not \"{code}\"");

    /// <summary>Finds it by its code; null: there is none.</summary>
    public static Currency? Find(string code) => Known.GetValueOrDefault(code);

    public override string ToString() => Code;

    private static FrozenDictionary<string, Currency> Load()
    {
        using var stream = typeof(Currency).Assembly.GetManifestResourceStream("iso4217.csv")
            ?? throw new InvalidOperationException("iso4217.csv is not in the assembly.");
        using StreamReader reader = new(stream);
        reader.ReadLine(); // the heading
        Dictionary<string, Currency> known = [];
        while (reader.ReadLine() is { } line)
        {
            var comma = line.IndexOf(',', StringComparison.Ordinal);
            var code = line[..comma];
            known.Add(code, new Currency(code, int.Parse(line.AsSpan(comma + 1), CultureInfo.InvariantCulture)));
        }
        return known.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
