using System.Text.Json;
using Lepton.Cost.Money;

namespace Lepton.Cost.Prices;

/// <summary>Reads a price book's JSON and checks every field; <c>price-book.schema.json</c> says the same.</summary>
internal static class PriceReader
{
    /// <summary>Longest book: what fits into a signed record of 1 MiB.</summary>
    public const int BytesMax = 750 * 1024;

    private const int PricesMax = 10_000, EntriesMax = 10_000, RatesMax = 10_000;
    private const int TextMax = 500;

    private static readonly (PricingModel Model, string Field)[] Models =
    [
        (PricingModel.OnDemand, "onDemand"),
        (PricingModel.ReservedOneYear, "reservedOneYear"),
        (PricingModel.ReservedThreeYears, "reservedThreeYears"),
        (PricingModel.Spot, "spot"),
    ];

    private static readonly JsonDocumentOptions Json = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        AllowDuplicateProperties = false, // a price given twice must not silently be the last one
        MaxDepth = 8,
    };

    /// <summary>Reads a file.</summary>
    /// <exception cref="PriceBookException">It is absent or not usable; names the field.</exception>
    public static PriceBook Load(string path)
    {
        try
        {
            return new FileInfo(path) is { Exists: true, Length: > BytesMax }
                ? throw new PriceBookException("the file", $"takes at most {BytesMax} bytes")
                : Parse(File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new PriceBookException("the file", $"takes a readable JSON file: {e.Message}");
        }
    }

    /// <summary>Reads JSON, UTF-8; comments and trailing commas are allowed.</summary>
    /// <exception cref="PriceBookException">It is not usable; names the field.</exception>
    public static PriceBook Parse(ReadOnlyMemory<byte> json)
    {
        if (json.Length > BytesMax)
            throw new PriceBookException("the file", $"takes at most {BytesMax} bytes");
        try
        {
            using var document = JsonDocument.Parse(json, Json);
            return Read(new PriceFields(document.RootElement, ""));
        }
        catch (JsonException e)
        {
            throw new PriceBookException("the file", $"takes JSON without repeated names: {e.Message}");
        }
    }

    private static PriceBook Read(PriceFields root)
    {
        _ = root.TextOrNone("$schema", TextMax);
        PriceBookHead head = new(root.Whole("version", 1, long.MaxValue), root.Text("name", 64),
            root.TextOrNone("notice", TextMax), root.Text("source", TextMax), root.Date("date"));
        var currency = root.Currency("currency");
        var rates = ReadRates(root);
        Dictionary<(PriceKey, PricingModel), PriceSeries> series = [];
        if (!root.Has("prices"))
            throw new PriceBookException("prices", $"is required and takes a list of at most {PricesMax} objects");
        foreach (var price in root.Objects("prices", PricesMax))
            ReadPrice(price, series);
        root.Complete();
        return new PriceBook(head, currency, rates, series);
    }

    private static ExchangeRates ReadRates(PriceFields root)
    {
        Dictionary<(Currency, Currency, DateOnly), ExchangeRate> read = [];
        foreach (var fields in root.Objects("exchangeRates", RatesMax))
        {
            ExchangeRate rate = new(fields.Currency("from"), fields.Currency("to"),
                fields.Decimal("rate", ExchangeRate.Digits, 1), fields.Date("date"), fields.Text("source", TextMax));
            fields.Complete();
            if (ReferenceEquals(rate.From, rate.To))
                throw new PriceBookException(fields.PathOf("to"), $"takes another currency than {rate.From}");
            if (!read.TryAdd((rate.From, rate.To, rate.Date), rate))
                throw new PriceBookException(fields.PathOf("date"),
                    $"takes each day once for {rate.From} to {rate.To}; {rate.Date:yyyy-MM-dd} is there twice");
        }
        return new ExchangeRates(read.Values);
    }

    private static void ReadPrice(PriceFields fields, Dictionary<(PriceKey, PricingModel), PriceSeries> series)
    {
        var meter = (Meter)Array.IndexOf(MeterRules.Names, fields.OneOf("meter", MeterRules.Names));
        var rules = MeterRules.Of(meter);
        PriceKey key = new(meter, fields.Name("region"),
            rules.Attributes.Contains("toRegion") ? fields.Name("toRegion") : "",
            rules.Attributes.Contains("tier") ? fields.OneOf("tier", "core", "edge") : "",
            rules.Attributes.Contains("type") ? fields.Name("type") : "");
        if (!fields.Has("onDemand"))
            throw new PriceBookException(fields.PathOf("onDemand"),
                "is required: what everything costs without a bargain");
        foreach (var (model, field) in Models)
        {
            if (!rules.Models.Contains(model) || !fields.Has(field))
                continue;
            PriceSeries read = new(ReadEntries(fields, field), rules.Per);
            if (!series.TryAdd((key, model), read))
                throw new PriceBookException(fields.PathOf("meter"), $"prices {key} a second time; takes each once");
        }
        fields.Complete();
    }

    private static List<PriceEntry> ReadEntries(PriceFields fields, string field)
    {
        List<PriceEntry> entries = [];
        DateTimeOffset? end = null; // said by the entry before
        foreach (var one in fields.Objects(field, EntriesMax))
        {
            var from = one.Time("from");
            DateTimeOffset? until = one.Has("until") ? one.Time("until") : null;
            PriceEntry entry = new(from, until, one.Decimal("price", 6, 0));
            one.Complete();
            if (until <= from)
                throw new PriceBookException(one.PathOf("until"), "takes a time after from: it is the end, exclusive");
            if (entries is [.., var before])
            {
                if (from <= before.From || from < end)
                    throw new PriceBookException(one.PathOf("from"),
                        $"overlaps the entry before it, {Say(before.From)} until {Say(end)}");
                if (from > end)
                    throw new PriceBookException(one.PathOf("from"),
                        $"leaves a gap: the entry before it ends at {Say(end)}");
                entries[^1] = before with { Until = from };
            }
            entries.Add(entry);
            end = until;
        }
        return entries.Count > 0 ? entries
            : throw new PriceBookException(fields.PathOf(field), "takes one entry or more, by time");
    }

    private static string Say(DateTimeOffset? time) =>
        time is { } t ? t.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture)
            : "the next one begins";
}
