namespace Lepton.Cost.Prices;

/// <summary>Where two versions price one thing differently.</summary>
/// <param name="Key">What.</param>
/// <param name="Model">By which bargain.</param>
/// <param name="From">The first instant of the difference; null: since ever.</param>
/// <param name="Until">The first after it; null: for ever.</param>
/// <param name="BeforeMicros">In the older version; null: it had no price.</param>
/// <param name="AfterMicros">In the newer.</param>
internal sealed record PriceChange(PriceKey Key, PricingModel Model, DateTimeOffset? From, DateTimeOffset? Until,
    long? BeforeMicros, long? AfterMicros);

/// <summary>What a new version changes: what somebody reads before he publishes it.</summary>
internal static class PriceDiff
{
    /// <summary>By name of the thing, then by time; neighbouring stretches with the same change are one.</summary>
    /// <exception cref="InvalidOperationException">The books are of two currencies: nothing can be
    /// compared.</exception>
    public static IReadOnlyList<PriceChange> Of(PriceBook before, PriceBook after)
    {
        if (!ReferenceEquals(before.Currency, after.Currency))
            throw new Money.CurrencyMismatchException(before.Currency, after.Currency);
        var old = before.Series.ToDictionary(s => s.What, s => s.Series);
        var next = after.Series.ToDictionary(s => s.What, s => s.Series);
        return [.. old.Keys.Union(next.Keys)
            .OrderBy(what => what.Key.Sku, StringComparer.Ordinal).ThenBy(what => what.Model)
            .SelectMany(what => Changes(what, old.GetValueOrDefault(what), next.GetValueOrDefault(what)))];
    }

    private static List<PriceChange> Changes(
        (PriceKey Key, PricingModel Model) what, PriceSeries? before, PriceSeries? after)
    {
        List<PriceChange> changes = [];
        DateTimeOffset[] bounds = [.. Bounds(before).Concat(Bounds(after)).Distinct().Order()];
        for (var i = 0; i < bounds.Length; i++)
        {
            var (was, isNow) = (At(before, bounds[i]), At(after, bounds[i]));
            DateTimeOffset? until = i + 1 < bounds.Length ? bounds[i + 1] : null;
            if (was == isNow)
                continue;
            if (changes is [.., var last] && last.Until == bounds[i]
                && (last.BeforeMicros, last.AfterMicros) == (was, isNow))
                changes[^1] = last with { Until = until };
            else
                changes.Add(new PriceChange(what.Key, what.Model, bounds[i], until, was, isNow));
        }
        return changes;
    }

    private static IEnumerable<DateTimeOffset> Bounds(PriceSeries? series) => series is null ? []
        : series.Entries.Select(e => e.From).Concat(series.Entries.Select(e => e.Until).OfType<DateTimeOffset>());

    private static long? At(PriceSeries? series, DateTimeOffset time) =>
        series is not null && series.TryFind(time, out var price) ? price.Micros : null;
}
