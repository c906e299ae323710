using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Lepton.Compliance.Client.Law;

/// <summary>An object of a regime or policy as it is read: every field is checked, and named when wrong.</summary>
internal sealed partial class LawFields
{
    private const int ListMax = 256, TextMax = 1000;

    private readonly JsonElement _object;
    private readonly string _path;

    /// <param name="element">Must be an object.</param>
    /// <param name="path">Where it stands; empty: the root.</param>
    /// <param name="known">The fields that it may have.</param>
    public LawFields(JsonElement element, string path, ReadOnlySpan<string> known)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw new ResidencyPolicyException(path, "takes an object");
        (_object, _path) = (element, path);
        foreach (var property in element.EnumerateObject())
            if (!known.Contains(property.Name))
                throw new ResidencyPolicyException(PathOf(property.Name),
                    $"is not a field; takes {string.Join(", ", known.ToArray())}");
    }

    public string PathOf(string name) => _path.Length == 0 ? name : $"{_path}.{name}";

    public bool Has(string name) => _object.TryGetProperty(name, out _);

    public JsonElement? Find(string name) => _object.TryGetProperty(name, out var value) ? value : null;

    public ResidencyPolicyException Bad(string name, string takes) => new(PathOf(name), takes);

    public string Text(string name) => TextOr(name, null)
        ?? throw Bad(name, "takes a text and is required");

    public string? TextOr(string name, string? byDefault)
    {
        if (Find(name) is not { } value)
            return byDefault;
        return value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= TextMax } text
            ? text
            : throw Bad(name, $"takes a text of 1 to {TextMax} characters");
    }

    public string Id(string name)
    {
        var text = Text(name);
        return IdForm().IsMatch(text)
            ? text
            : throw Bad(name, $"takes lower-case letters, digits and hyphens, 1 to 64 long; not \"{text}\"");
    }

    public DateOnly Date(string name) => DateOr(name)
        ?? throw Bad(name, "takes a date, YYYY-MM-DD, and is required");

    public DateOnly? DateOr(string name)
    {
        if (Find(name) is not { } value)
            return null;
        return value.ValueKind == JsonValueKind.String && DateOnly.TryParseExact(
            value.GetString(), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            ? date
            : throw Bad(name, "takes a date, YYYY-MM-DD");
    }

    public long? WholeOr(string name)
    {
        if (Find(name) is not { } value)
            return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var whole) && whole >= 0
            ? whole
            : throw Bad(name, "takes a whole number of 0 or more");
    }

    /// <summary>One text or a list of texts; by default none.</summary>
    public IReadOnlyList<string> Texts(string name, string takes, Func<string, bool> isGood)
    {
        if (Find(name) is not { } value)
            return [];
        IReadOnlyList<JsonElement> items = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()]
            : [value];
        if (items.Count > ListMax)
            throw Bad(name, $"takes {ListMax} at most");
        List<string> texts = [];
        foreach (var item in items)
        {
            var text = item.ValueKind == JsonValueKind.String ? item.GetString() : null;
            if (text is null || !isGood(text))
                throw Bad(name, $"takes {takes}; not {item.GetRawText()}");
            if (texts.Contains(text))
                throw Bad(name, $"names {text} twice");
            texts.Add(text);
        }
        return texts;
    }

    public IReadOnlyList<string> Required(string name, string takes, Func<string, bool> isGood) =>
        Texts(name, takes, isGood) is { Count: > 0 } texts ? texts : throw Bad(name, $"takes {takes}, and is required");

    public IReadOnlyList<string> Categories(string name) => Texts(name,
        $"categories ({string.Join(", ", Vocabulary.CategoryNames)}) or *",
        c => c == Vocabulary.Any || Vocabulary.Categories.ContainsKey(c));

    public IReadOnlyList<Purpose> Purposes(string name) =>
    [
        .. Texts(name, $"purposes ({string.Join(", ", Vocabulary.PurposeNames)}) or *",
                p => p == Vocabulary.Any || Vocabulary.PurposeOf(p) is not null)
            .Where(p => p != Vocabulary.Any)
            .Select(p => Vocabulary.PurposeOf(p) ?? throw new InvalidOperationException(p)),
    ];

    public Purpose Purpose(string name)
    {
        var text = Text(name);
        return Vocabulary.PurposeOf(text)
            ?? throw Bad(name, $"takes a purpose ({string.Join(", ", Vocabulary.PurposeNames)}), not \"{text}\"");
    }

    public LawEffect Effect(string name) => Text(name) switch
    {
        "allow" => LawEffect.Allow,
        "deny" => LawEffect.Deny,
        var other => throw Bad(name, $"takes allow or deny, not \"{other}\""),
    };

    /// <summary>Safeguards as bits; by default none.</summary>
    public ulong Safeguards(string name) => BitsOf(Texts(
        name, $"safeguards ({string.Join(", ", Vocabulary.Safeguards)})", Vocabulary.Safeguards.Contains));

    /// <summary>A list whose items are a safeguard, or a list of safeguards of which one is enough.</summary>
    public IReadOnlyList<ulong> Conditions(string name)
    {
        if (Find(name) is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > ListMax)
            throw Bad(name, "takes a list of safeguards, and of lists of safeguards of which one is enough");
        List<ulong> conditions = [];
        foreach (var item in value.EnumerateArray())
        {
            using var one = JsonDocument.Parse($"{{\"any\":{item.GetRawText()}}}");
            var field = $"{PathOf(name)}[{conditions.Count}]";
            var bits = new LawFields(one.RootElement, field, ["any"]).Safeguards("any");
            conditions.Add(bits != 0 ? bits : throw new ResidencyPolicyException(field, "takes one safeguard or more"));
        }
        return conditions;
    }

    /// <summary>Objects of a list; by default none.</summary>
    public IReadOnlyList<T> Items<T>(string name, int max, Func<JsonElement, string, T> read)
    {
        if (Find(name) is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > max)
            throw Bad(name, $"takes a list of {max} at most");
        List<T> items = [];
        foreach (var item in value.EnumerateArray())
            items.Add(read(item, $"{PathOf(name)}[{items.Count}]"));
        return items;
    }

    /// <summary>The fields of an object; by default none.</summary>
    public IReadOnlyList<JsonProperty> Properties(string name)
    {
        if (Find(name) is not { } value)
            return [];
        return value.ValueKind == JsonValueKind.Object
            ? [.. value.EnumerateObject()]
            : throw Bad(name, "takes an object");
    }

    private static ulong BitsOf(IEnumerable<string> safeguards) =>
        safeguards.Aggregate(0UL, (all, s) => all | Vocabulary.Bit(s));

    [GeneratedRegex(@"^[a-z][a-z0-9-]{0,63}\z")]
    internal static partial Regex IdForm();
}
