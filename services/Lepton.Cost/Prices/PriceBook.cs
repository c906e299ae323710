using System.Collections.Frozen;
using Lepton.Cost.Money;

namespace Lepton.Cost.Prices;

/// <summary>
/// What everything costs, when: a version of the record <c>control/prices</c> (B2). Never changes; a change is a new
/// version, in which prices of the past stand as they were.
/// </summary>
internal sealed class PriceBook
{
    private readonly FrozenDictionary<(PriceKey Key, PricingModel Model), PriceSeries> _series;

    public PriceBook(PriceBookHead head, Currency currency, ExchangeRates rates,
        IReadOnlyDictionary<(PriceKey Key, PricingModel Model), PriceSeries> series)
    {
        (Head, Currency, Rates) = (head, currency, rates);
        _series = series.ToFrozenDictionary();
    }

    /// <summary>Version, name, source.</summary>
    public PriceBookHead Head { get; }

    /// <summary>Counts up with every change; 1 or more.</summary>
    public long Version => Head.Version;

    /// <summary>The currency of its prices.</summary>
    public Currency Currency { get; }

    /// <summary>Dated rates to other currencies.</summary>
    public ExchangeRates Rates { get; }

    /// <summary>All that it prices.</summary>
    public IEnumerable<((PriceKey Key, PricingModel Model) What, PriceSeries Series)> Series =>
        _series.Select(s => (s.Key, s.Value));

    /// <summary>The price in force at a time: a hash and a binary search, without allocating.</summary>
    public bool TryFind(in PriceKey key, PricingModel model, DateTimeOffset time, out UnitPrice price)
    {
        if (_series.TryGetValue((key, model), out var series))
            return series.TryFind(time, out price);
        price = default;
        return false;
    }
}

/// <summary>What a price book says of itself.</summary>
/// <param name="Version">1 or more.</param>
/// <param name="Name">For people.</param>
/// <param name="Notice">What it is not, e.g. an offer; empty: nothing.</param>
/// <param name="Source">Where the prices are from.</param>
/// <param name="Date">When they were taken.</param>
internal sealed record PriceBookHead(long Version, string Name, string Notice, string Source, DateOnly Date);

/// <summary>A price book that cannot be used: the message names the field and what it takes.</summary>
internal sealed class PriceBookException(string field, string takes) : FormatException($"Price book: {field} {takes}")
{
    /// <summary>The field at fault, e.g. <c>prices[3].onDemand[0].from</c>.</summary>
    public string Field { get; } = field;
}
