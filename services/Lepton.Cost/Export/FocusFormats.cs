using System.Text.Json;
using System.Text.RegularExpressions;
using Lepton.Cost.Money;

namespace Lepton.Cost.Export;

/// <summary>What a single value may look like, by its column. Each answers what is taken; null: it is taken.</summary>
internal static partial class FocusFormats
{
    private static readonly string[] Sizes =
    [
        "b", "Kb", "Mb", "Gb", "Tb", "Pb", "Eb", "B", "KB", "MB", "GB", "TB", "PB", "EB",
        "Kib", "Mib", "Gib", "Tib", "Pib", "Eib", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB",
    ];

    private static readonly string[] Times = ["Year", "Month", "Day", "Hour", "Minute", "Second"];

    /// <summary>Checks a value that is there.</summary>
    public static string? Fault(FocusColumn column, string value) =>
        value.Length == 0 ? "takes null, not an empty text" : (column.Type, column.Format) switch
        {
            ("decimal", "nonnegative") => FocusRow.ParseNumber(value) is >= 0 ? null
                : "takes a plain number of 0 or more",
            ("decimal", _) => FocusRow.ParseNumber(value) is not null ? null
                : "takes a plain number: digits, one point, a minus, an exponent E",
            ("time", _) => FocusRow.ParseTime(value) is not null ? null : "takes a time like 2026-11-01T00:00:00Z",
            ("json", var format) => Pairs(value, format == "prefixed"),
            (_, "currency") => Currency.Find(value) is not null ? null : "takes a currency of ISO 4217",
            (_, "values") => column.Allows(value) ? null : "takes one of the allowed values",
            (_, "unit") => Unit(value),
            _ => null,
        };

    private static string? Pairs(string value, bool isPrefixed)
    {
        try
        {
            using var json = JsonDocument.Parse(value, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                return "takes a JSON object";
            foreach (var pair in json.RootElement.EnumerateObject())
            {
                if (pair.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
                    return $"takes plain values; {pair.Name} has an object or a list";
                if (isPrefixed && !pair.Name.StartsWith("x_", StringComparison.Ordinal) && TypeOf(pair.Name) is var type
                    && !(type is not null && pair.Value.ValueKind == type))
                    return $"takes {pair.Name} with x_ in front, or as FOCUS defines it";
            }
            return null;
        }
        catch (JsonException)
        {
            return "takes a JSON object, each key once";
        }
    }

    // The properties of a price that FOCUS 1.2 defines, and their types.
    private static JsonValueKind? TypeOf(string property) => property switch
    {
        "CoreCount" or "DiskMaxIops" or "DiskSpace" or "GpuCount" or "MemorySize" or "NetworkMaxIops"
            or "NetworkMaxThroughput" => JsonValueKind.Number,
        "DiskType" or "InstanceType" or "InstanceSeries" or "OperatingSystem" or "Redundancy" or "StorageClass" =>
            JsonValueKind.String,
        _ => null,
    };

    // Known words as they are listed, whole numbers, and nouns of one's own with a capital.
    private static string? Unit(string value)
    {
        foreach (var word in value.Split(' ', '/', '-'))
        {
            if (Sizes.Contains(word) || Times.Any(t => word == t || word == t + "s") || WholeNumber().IsMatch(word))
                continue;
            if (Sizes.Contains(word, StringComparer.OrdinalIgnoreCase) || SizeWord().IsMatch(word))
                return $"takes sizes as abbreviations like GB and GiB, not {word}";
            if (Times.Any(t => word.TrimEnd('s').EndsWith(t, StringComparison.OrdinalIgnoreCase)))
                return $"takes times of {string.Join(", ", Times)}, not {word}";
            if (!Noun().IsMatch(word))
                return $"takes whole numbers and nouns with a capital, not \"{word}\"";
        }
        return null;
    }

    [GeneratedRegex(@"^[1-9][0-9]*\z")]
    private static partial Regex WholeNumber();

    [GeneratedRegex(@"^[A-Z][A-Za-z0-9]*\z")]
    private static partial Regex Noun();

    [GeneratedRegex(@"^(kilo|mega|giga|tera|peta|exa|zetta|yotta|kibi|mebi|gibi|tebi|pebi|exbi)?(bit|byte)s?\z"
        + @"|^[ZY]i?[bB]\z", RegexOptions.IgnoreCase)]
    private static partial Regex SizeWord();
}
