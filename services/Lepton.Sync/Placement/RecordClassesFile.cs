using System.Text.Json;
using System.Text.RegularExpressions;
using Lepton.Compliance.Client;
using Lepton.Sync.Records;

namespace Lepton.Sync.Placement;

/// <summary>A file of record classes that cannot be used: the message names the field and what it takes.</summary>
internal sealed class RecordClassesException(string field, string takes)
    : Exception($"Record classes: {field} {takes}")
{
    /// <summary>For instance <c>classes.global.copyZones</c>.</summary>
    public string Field { get; } = field;
}

/// <summary>
/// The classes that a file (JSON; comments and trailing commas allowed) defines, with the regions that the residency
/// policy allows each. Ids are the file's order; the topology gives its own.
/// </summary>
internal sealed partial class RecordClassesFile
{
    public const int ClassesMax = 256;
    public const int CopiesMax = 16;
    private const int CopyRegionsDefault = 3;
    private const int CopyZonesDefault = 2;
    private const string FirstRegion = "first";

    private static readonly JsonDocumentOptions Json = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        AllowDuplicateProperties = false, // a class named twice must not silently be the last one
        MaxDepth = 8,
    };

    private RecordClassesFile(long version, IReadOnlyList<RecordClass> classes) =>
        (Version, Classes) = (version, classes);

    /// <summary>As its author counts, 1 or more.</summary>
    public long Version { get; }

    /// <summary>In the file's order.</summary>
    public IReadOnlyList<RecordClass> Classes { get; }

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="RecordClassesException">It is absent or not usable.</exception>
    public static RecordClassesFile Load(string path, ResidencyPolicy policy, IReadOnlyList<string> regions)
    {
        try
        {
            return Parse(File.ReadAllBytes(path), policy, regions);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RecordClassesException("the file", $"takes a readable JSON file: {e.Message}");
        }
    }

    /// <summary>Reads and checks the file's text.</summary>
    /// <param name="json">UTF-8.</param>
    /// <param name="policy">Which regions a data class allows; made for the same topology.</param>
    /// <param name="regions">The topology's, in its order; 1 or more.</param>
    /// <exception cref="RecordClassesException">It is not usable.</exception>
    public static RecordClassesFile Parse(
        ReadOnlyMemory<byte> json, ResidencyPolicy policy, IReadOnlyList<string> regions)
    {
        using var document = ParseJson(json);
        var root = document.RootElement;
        RefuseUnknown(root, "", ["version", "classes"]);
        if (!root.TryGetProperty("version", out var v) || v.ValueKind != JsonValueKind.Number
            || !v.TryGetInt64(out var version) || version < 1)
            throw new RecordClassesException("version", "takes a whole number of 1 or more");
        if (!root.TryGetProperty("classes", out var classes) || classes.ValueKind != JsonValueKind.Object)
            throw new RecordClassesException("classes", "takes an object and is required");
        List<RecordClass> read = [];
        foreach (var property in classes.EnumerateObject())
            read.Add(ReadClass((short)read.Count, property, policy, regions));
        return read.Count is > 0 and <= ClassesMax
            ? new RecordClassesFile(version, read)
            : throw new RecordClassesException("classes", $"takes 1 to {ClassesMax} classes, has {read.Count}");
    }

    private static JsonDocument ParseJson(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonDocument.Parse(json, Json);
        }
        catch (JsonException e)
        {
            throw new RecordClassesException("the file", $"takes JSON without repeated names: {e.Message}");
        }
    }

    private static RecordClass ReadClass(
        short id, JsonProperty property, ResidencyPolicy policy, IReadOnlyList<string> regions)
    {
        var field = $"classes.{property.Name}";
        if (!ClassName().IsMatch(property.Name))
            throw new RecordClassesException(field,
                "takes a name of lower-case letters, digits and hyphens, 1 to 64 long");
        RefuseUnknown(property.Value, field + ".", ["dataClass", "copyRegions", "copyZones", "homeRegion", "keys"]);
        var name = Text(property.Value, field, "dataClass");
        var dataClass = policy.DataClasses.FirstOrDefault(c => c.Name == name)
            ?? throw new RecordClassesException($"{field}.dataClass", "takes one of the residency policy's classes ("
                + $"{string.Join(", ", policy.DataClasses.Select(c => c.Name))}), not \"{name}\"");
        string[] allowed = [.. policy.Regions.Where((_, i) => dataClass.Kept.Contains(i))];
        if (allowed.Length == 0)
            throw new RecordClassesException($"{field}.dataClass", $"takes a class with a region; {name} has none");
        var copyRegions = Number(property.Value, field, "copyRegions",
            Math.Min(CopyRegionsDefault, allowed.Length), Math.Min(CopiesMax, allowed.Length),
            $"in whole numbers, no more than the regions it may be in ({string.Join(", ", allowed)})");
        var copyZones = Number(property.Value, field, "copyZones", CopyZonesDefault, CopiesMax, "in whole numbers");
        return new RecordClass(new ClassId(id), property.Name, dataClass.Name, allowed, copyRegions, copyZones,
            HomeRegion(property.Value, field, allowed, regions), Keys(property.Value, field));
    }

    private static string? HomeRegion(
        JsonElement element, string field, string[] allowed, IReadOnlyList<string> regions)
    {
        var region = Text(element, field, "homeRegion");
        if (region is null)
            return null;
        var meant = region == FirstRegion ? regions[0] : region;
        return allowed.Contains(meant)
            ? meant
            : throw new RecordClassesException($"{field}.homeRegion", $"takes a region that the class may be in "
                + $"({string.Join(", ", allowed)}), or \"first\" where it may be in the topology's first region "
                + $"({regions[0]}); not \"{region}\"");
    }

    private static KeyForm Keys(JsonElement element, string field) => Text(element, field, "keys") switch
    {
        null or "blind" => KeyForm.Blind,
        "clear" => KeyForm.Clear,
        var other => throw new RecordClassesException($"{field}.keys", $"takes clear or blind, not \"{other}\""),
    };

    private static string? Text(JsonElement element, string field, string name)
    {
        if (!element.TryGetProperty(name, out var value))
            return null;
        return value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : throw new RecordClassesException($"{field}.{name}", "takes a text");
    }

    private static int Number(JsonElement element, string field, string name, int byDefault, int max, string and)
    {
        if (!element.TryGetProperty(name, out var value))
            return byDefault;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= 1
            && number <= max
            ? number
            : throw new RecordClassesException($"{field}.{name}", $"takes 1 to {max} {and}; not {value}");
    }

    private static void RefuseUnknown(JsonElement element, string prefix, ReadOnlySpan<string> known)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw new RecordClassesException(prefix.Length == 0 ? "the file" : prefix.TrimEnd('.'), "takes an object");
        foreach (var property in element.EnumerateObject())
        {
            if (!known.Contains(property.Name))
                throw new RecordClassesException(prefix + property.Name,
                    $"is not a field; takes {string.Join(", ", known.ToArray())}");
        }
    }

    [GeneratedRegex(@"^[a-z][a-z0-9-]{0,63}\z")]
    private static partial Regex ClassName();
}
