namespace Lepton.Cost.Money;

/// <summary>What one unit of a currency was worth in another, on a day, by whom. Nothing is derived: no inverses, no
/// crosses.</summary>
/// <param name="From">Of this.</param>
/// <param name="To">In this.</param>
/// <param name="Billionths">Units of <paramref name="To"/> for one of <paramref name="From"/>, times 10^9; 1 or
/// more.</param>
/// <param name="Date">The day from which on it is in force (UTC), until the next one's.</param>
/// <param name="Source">Who published it.</param>
internal sealed record ExchangeRate(Currency From, Currency To, long Billionths, DateOnly Date, string Source)
{
    /// <summary>Decimals that a rate may have.</summary>
    public const int Digits = 9;

    private const long One = 1_000_000_000;

    /// <summary>Converts, rounded half to even to a millionth.</summary>
    /// <exception cref="CurrencyMismatchException">The amount is of another currency.</exception>
    public Amount Convert(Amount amount) => ReferenceEquals(amount.Currency, From)
        ? Amount.FromMicros(Rounding.HalfEven((Int128)amount.Micros * Billionths, One), To)
        : throw new CurrencyMismatchException(From, amount.Currency);

    public override string ToString() =>
        $"1 {From} = {Fixed.Write(Billionths, Digits)} {To} ({Source}, {Date:yyyy-MM-dd})";
}

/// <summary>An amount in another currency, and the rate that made it so; none where it was in that currency.</summary>
internal readonly record struct Converted(Amount Amount, ExchangeRate? Rate);

/// <summary>Dated rates, found by pair and day.</summary>
internal sealed class ExchangeRates
{
    private readonly Dictionary<(Currency From, Currency To), ExchangeRate[]> _rates;

    /// <param name="rates">In any order; one at most of a pair and a day.</param>
    /// <param name="ageMax">How many days a rate may be old when it is used; default 7, over any run of
    /// holidays.</param>
    public ExchangeRates(IEnumerable<ExchangeRate> rates, int ageMax = 7)
    {
        AgeMaxDays = ageMax;
        _rates = rates.GroupBy(r => (r.From, r.To)).ToDictionary(g => g.Key, g => g.OrderBy(r => r.Date).ToArray());
    }

    /// <summary>Days.</summary>
    public int AgeMaxDays { get; }

    /// <summary>All of them.</summary>
    public IEnumerable<ExchangeRate> All => _rates.Values.SelectMany(r => r);

    /// <summary>The pair's latest on this day or before it; null: none, or too old.</summary>
    public ExchangeRate? Find(Currency from, Currency to, DateOnly day)
    {
        if (!_rates.TryGetValue((from, to), out var rates))
            return null;
        int low = 0, high = rates.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (rates[middle].Date <= day)
                low = middle + 1;
            else
                high = middle;
        }
        return low > 0 && day.DayNumber - rates[low - 1].Date.DayNumber <= AgeMaxDays ? rates[low - 1] : null;
    }

    /// <summary>Converts by the rate of this day; null: there is none.</summary>
    public Converted? Convert(Amount amount, Currency to, DateOnly day) =>
        ReferenceEquals(amount.Currency, to) ? new Converted(amount, null)
        : Find(amount.Currency, to, day) is { } rate ? new Converted(rate.Convert(amount), rate)
        : null;
}
