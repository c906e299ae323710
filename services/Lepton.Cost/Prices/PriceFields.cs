using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lepton.Cost.Money;

namespace Lepton.Cost.Prices;

/// <summary>
/// The fields of one JSON object. Each is asked for once, by name and by what it takes; what nobody asked for is
/// refused at the end.
/// </summary>
internal sealed partial class PriceFields
{
    private readonly JsonElement _object;
    private readonly string _path;
    private readonly List<string> _asked = [];

    public PriceFields(JsonElement element, string path)
    {
        (_object, _path) = (element, path);
        if (element.ValueKind != JsonValueKind.Object)
            throw new PriceBookException(path.Length == 0 ? "the file" : path, "takes a JSON object");
    }

    public string PathOf(string name) => _path.Length == 0 ? name : $"{_path}.{name}";

    public bool Has(string name) => _object.TryGetProperty(name, out _);

    /// <summary>A list of objects; left out: none.</summary>
    public IEnumerable<PriceFields> Objects(string name, int max)
    {
        if (Find(name) is not { } list)
            return [];
        return list.ValueKind == JsonValueKind.Array && list.GetArrayLength() <= max
            ? list.EnumerateArray().Select((one, i) => new PriceFields(one, $"{PathOf(name)}[{i}]"))
            : throw new PriceBookException(PathOf(name), $"takes a list of at most {max} objects");
    }

    public long Whole(string name, long min, long max) =>
        Find(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number)
            && number >= min && number <= max
            ? number
            : throw new PriceBookException(PathOf(name), $"is required and takes a whole number of {min} to {max}");

    /// <summary>A text of 1 to so many characters.</summary>
    public string Text(string name, int max) => Word(name, $"a text of 1 to {max} characters",
        text => text.Length > 0 && text.Length <= max);

    /// <summary>Left out: empty.</summary>
    public string TextOrNone(string name, int max) => Has(name) ? Text(name, max) : "";

    /// <summary>A name: lower-case letters, digits, hyphens, dots.</summary>
    public string Name(string name) => Word(name,
        "a name of 1 to 64 lower-case letters, digits, hyphens, dots and underscores, a letter or digit first",
        NamePattern().IsMatch);

    public string OneOf(string name, params string[] known) =>
        Word(name, string.Join(" or ", known), known.Contains);

    public Currency Currency(string name) =>
        Money.Currency.Find(Word(name, "a currency of ISO 4217 in three capital letters",
            code => Money.Currency.Find(code) is not null)) ?? Money.Currency.Usd;

    public DateOnly Date(string name) => DateOnly.ParseExact(
        Word(name, "a date like 2026-11-01", text => DateOnly.TryParseExact(text, "yyyy-MM-dd", out _)),
        "yyyy-MM-dd", CultureInfo.InvariantCulture);

    public DateTimeOffset Time(string name) => ParseTime(
        Word(name, "a time in UTC like 2026-11-01T00:00:00Z", text => ParseTime(text) is not null)) ?? default;

    /// <summary>A decimal in a JSON string: a JSON number would be read as a binary fraction by many.</summary>
    public long Decimal(string name, int digits, long min)
    {
        var takes = $"a decimal of {Fixed.Write(min, digits)} or more in quotation marks, with at most {digits}"
            + " digits after the point, like \"1.25\"";
        var read = 0L;
        Word(name, takes, text => Fixed.TryParse(text, digits, out read) && read >= min);
        return read;
    }

    /// <summary>Refuses what nobody asked for.</summary>
    public void Complete()
    {
        foreach (var property in _object.EnumerateObject())
            if (!_asked.Contains(property.Name))
                throw new PriceBookException(PathOf(property.Name),
                    $"is not a field; takes {string.Join(", ", _asked)}");
    }

    private string Word(string name, string takes, Func<string, bool> isTaken)
    {
        if (Find(name) is not { } value)
            throw new PriceBookException(PathOf(name), $"is required and takes {takes}");
        if (value.ValueKind == JsonValueKind.String && value.GetString() is { } word && isTaken(word))
            return word;
        var raw = value.GetRawText();
        throw new PriceBookException(PathOf(name), $"takes {takes}, not {(raw.Length <= 64 ? raw : raw[..64] + "…")}");
    }

    private JsonElement? Find(string name)
    {
        _asked.Add(name);
        return _object.TryGetProperty(name, out var value) ? value : null;
    }

    private static DateTimeOffset? ParseTime(string text) => DateTimeOffset.TryParseExact(text,
        "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture,
        DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time : null;

    [GeneratedRegex(@"^[a-z0-9][a-z0-9._-]{0,63}\z")]
    private static partial Regex NamePattern();
}
