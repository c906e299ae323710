using System.Globalization;
using System.Text.Json;

namespace Lepton.Compliance.Client.Intrusion;

/// <summary>
/// The fields of one JSON object. Each is asked for once, by name and by what it takes; what nobody asked for is
/// refused at the end.
/// </summary>
internal sealed class RuleFields
{
    private readonly JsonElement _object;
    private readonly string _path;
    private readonly List<string> _asked = [];

    public RuleFields(JsonElement element, string path)
    {
        (_object, _path) = (element, path);
        if (element.ValueKind != JsonValueKind.Object)
            throw new IntrusionRulesException(path.Length == 0 ? "the file" : path, "takes a JSON object");
    }

    /// <summary>The object's own path and a field's.</summary>
    public string PathOf(string name) => _path.Length == 0 ? name : $"{_path}.{name}";

    /// <summary>The field's object; null when it is left out.</summary>
    public RuleFields? Object(string name) =>
        Find(name) is { } value ? new RuleFields(value, PathOf(name)) : null;

    public bool Has(string name) => _object.TryGetProperty(name, out _);

    /// <summary>Whatever fields there are, as a map.</summary>
    public IEnumerable<(string Name, string Path, RuleFields Fields)> Objects()
    {
        foreach (JsonProperty property in _object.EnumerateObject())
        {
            _asked.Add(property.Name);
            yield return (property.Name, PathOf(property.Name), new RuleFields(property.Value, PathOf(property.Name)));
        }
    }

    public bool Flag(string name, bool otherwise) => Find(name) is not { } value ? otherwise : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw new IntrusionRulesException(PathOf(name), "takes true or false"),
    };

    public long Number(string name, long min, long max, long? otherwise)
    {
        if (Find(name) is not { } value)
            return otherwise ?? throw new IntrusionRulesException(PathOf(name),
                $"is required and takes {WholeNumber(min, max)}");
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number)
            && number >= min && number <= max
            ? number
            : throw new IntrusionRulesException(PathOf(name), $"takes {WholeNumber(min, max)}, not {Short(value)}");
    }

    public double Degrees(string name, double limit) =>
        Find(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetDouble(out double degrees)
            && Math.Abs(degrees) <= limit
            ? degrees
            : throw new IntrusionRulesException(PathOf(name), $"is required and takes degrees, -{limit} to {limit}");

    public TimeSpan Duration(string name, TimeSpan min, TimeSpan max, TimeSpan? otherwise)
    {
        string takes = $"takes a time of {min:c} to {max:c}, written [d.]hh:mm:ss";
        if (Find(name) is not { } value)
            return otherwise ?? throw new IntrusionRulesException(PathOf(name), $"is required and {takes}");
        return value.ValueKind == JsonValueKind.String
            && TimeSpan.TryParseExact(value.GetString(), "c", CultureInfo.InvariantCulture, out TimeSpan time)
            && time >= min && time <= max
            ? time
            : throw new IntrusionRulesException(PathOf(name), $"{takes}, not {Short(value)}");
    }

    public string Word(string name, string? otherwise, params ReadOnlySpan<string> known)
    {
        string takes = $"takes {string.Join(", ", known.ToArray())}";
        if (Find(name) is not { } value)
            return otherwise ?? throw new IntrusionRulesException(PathOf(name), $"is required and {takes}");
        return value.ValueKind == JsonValueKind.String && value.GetString() is { } word && known.Contains(word)
            ? word
            : throw new IntrusionRulesException(PathOf(name), $"{takes}, not {Short(value)}");
    }

    /// <summary>A country by ISO 3166-1, two capital letters.</summary>
    public string Country(string name) =>
        Find(name) is { ValueKind: JsonValueKind.String } value
            && value.GetString() is [>= 'A' and <= 'Z', >= 'A' and <= 'Z'] country
            ? country
            : throw new IntrusionRulesException(PathOf(name), "is required and takes two capital letters, e.g. DE");

    /// <summary>Refuses what nobody asked for.</summary>
    public void Complete()
    {
        foreach (JsonProperty property in _object.EnumerateObject())
            if (!_asked.Contains(property.Name))
                throw new IntrusionRulesException(PathOf(property.Name),
                    $"is not a field; takes {string.Join(", ", _asked)}");
    }

    private JsonElement? Find(string name)
    {
        _asked.Add(name);
        return _object.TryGetProperty(name, out JsonElement value) ? value : null;
    }

    private static string WholeNumber(long min, long max) => max == long.MaxValue
        ? $"a whole number of {min} or more"
        : $"a whole number of {min} to {max}";

    private static string Short(JsonElement value)
    {
        string text = value.GetRawText();
        return text.Length <= 64 ? text : text[..64] + "…";
    }
}
