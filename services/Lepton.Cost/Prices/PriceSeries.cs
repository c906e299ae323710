namespace Lepton.Cost.Prices;

/// <summary>
/// The prices of one thing by one bargain, over time: half-open intervals, each beginning where the one before ends.
/// </summary>
internal sealed class PriceSeries
{
    private readonly long[] _from;
    private readonly long[] _micros;
    private readonly long _until;
    private readonly long _per;

    /// <param name="entries">1 or more, by their beginnings, without gap or overlap: the reader has seen to it.</param>
    /// <param name="per">Smallest units that a price is for.</param>
    public PriceSeries(IReadOnlyList<PriceEntry> entries, long per)
    {
        _from = [.. entries.Select(e => e.From.UtcTicks)];
        _micros = [.. entries.Select(e => e.Micros)];
        _until = entries[^1].Until?.UtcTicks ?? long.MaxValue;
        _per = per;
        Entries = entries;
    }

    /// <summary>As they were read.</summary>
    public IReadOnlyList<PriceEntry> Entries { get; }

    /// <summary>The price in force at a time: by binary search, without allocating.</summary>
    /// <returns>False: before the first, or at the last's end or later.</returns>
    public bool TryFind(DateTimeOffset time, out UnitPrice price)
    {
        var ticks = time.UtcTicks;
        var found = Array.BinarySearch(_from, ticks);
        var at = found >= 0 ? found : ~found - 1;
        if (at < 0 || ticks >= _until)
        {
            price = default;
            return false;
        }
        price = new UnitPrice(_micros[at], _per);
        return true;
    }
}

/// <summary>A price and its time.</summary>
/// <param name="From">The first instant.</param>
/// <param name="Until">The first instant after it; null: for ever.</param>
/// <param name="Micros">Millionths of the currency.</param>
internal sealed record PriceEntry(DateTimeOffset From, DateTimeOffset? Until, long Micros);
