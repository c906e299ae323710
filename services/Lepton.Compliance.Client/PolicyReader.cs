using System.Text.Json;
using System.Text.RegularExpressions;
using Lepton.Compliance.Client.Law;

namespace Lepton.Compliance.Client;

/// <summary>
/// Reads a residency policy's JSON and checks every field, so that a slip of the pen stops the start and names
/// itself.
/// </summary>
internal static partial class PolicyReader
{
    internal const string DefaultModel = "default";
    private const string EveryRegion = "*";
    private const int ClassesMax = 64;
    private const int NameLengthMax = 128;

    private static readonly JsonDocumentOptions Json = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        AllowDuplicateProperties = false, // a class named twice must not silently be the last one
        MaxDepth = 16,
    };

    /// <param name="json">The policy.</param>
    /// <param name="topology">What <c>*</c> stands for.</param>
    /// <param name="before">Regions that keep their places; new ones come after them.</param>
    internal static PolicyDocument Read(
        ReadOnlyMemory<byte> json, string[] topology, IReadOnlyList<string>? before = null)
    {
        using JsonDocument document = ParseJson(json);
        JsonElement root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
            throw new ResidencyPolicyException("the file", "takes a JSON object");
        string[] fields = ["version", "dataClasses", "tenants", "models", .. LawDocument.Fields];
        RefuseUnknown(root, "", fields);

        long version = ReadVersion(root);
        JsonElement classes = Section(root, "dataClasses");
        string[] regions = RegionsOf(classes, topology, before ?? []);
        LawDocument? law = LawDocument.Read(root, fields);
        List<DataClass> read = [.. classes.EnumerateObject().Select(c => ReadClass(c, regions, topology, law))];
        if (read.Count is 0 or > ClassesMax)
            throw new ResidencyPolicyException("dataClasses", $"takes 1 to {ClassesMax} classes, has {read.Count}");

        HashSet<string> known = [.. read.Select(c => c.Name)];
        return new PolicyDocument(version, regions, read,
            ReadFloors(root, "tenants", known), ReadFloors(root, "models", known), law);
    }

    private static JsonDocument ParseJson(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonDocument.Parse(json, Json);
        }
        catch (JsonException e)
        {
            throw new ResidencyPolicyException("the file", $"takes JSON without repeated names: {e.Message}");
        }
    }

    private static long ReadVersion(JsonElement root) =>
        root.TryGetProperty("version", out JsonElement v) && v.ValueKind == JsonValueKind.Number
            && v.TryGetInt64(out long version) && version >= 1
            ? version
            : throw new ResidencyPolicyException("version", "takes a whole number of 1 or more");

    private static JsonElement Section(JsonElement root, string name) =>
        root.TryGetProperty(name, out JsonElement section) && section.ValueKind == JsonValueKind.Object
            ? section
            : throw new ResidencyPolicyException(name, "takes an object and is required");

    private static string[] RegionsOf(JsonElement classes, string[] topology, IReadOnlyList<string> before)
    {
        SortedSet<string> names = new(StringComparer.Ordinal);
        foreach (string region in topology)
            names.Add(RegionName().IsMatch(region) ? region : throw BadRegion("topology", region));
        foreach (JsonProperty dataClass in classes.EnumerateObject())
            foreach (string region in RegionNames(dataClass))
                if (region != EveryRegion)
                    names.Add(region);
        string[] all = [.. before, .. names.Except(before)];
        return all.Length is > 0 and <= RegionSet.Capacity
            ? all
            : throw new ResidencyPolicyException("regions",
                $"takes 1 to {RegionSet.Capacity} regions, has {all.Length}");
    }

    private static List<string> RegionNames(JsonProperty dataClass)
    {
        string field = $"dataClasses.{dataClass.Name}.regions";
        if (dataClass.Value.ValueKind != JsonValueKind.Object
            || !dataClass.Value.TryGetProperty("regions", out JsonElement list)
            || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
            throw new ResidencyPolicyException(field, "takes a list of one or more region names, or [\"*\"]");

        List<string> names = [];
        foreach (JsonElement item in list.EnumerateArray())
        {
            string at = $"{field}[{names.Count}]";
            if (item.ValueKind != JsonValueKind.String || item.GetString() is not { } name)
                throw BadRegion(at, item.ToString());
            if (name == EveryRegion ? list.GetArrayLength() != 1 : !RegionName().IsMatch(name))
                throw BadRegion(at, name);
            if (names.Contains(name))
                throw new ResidencyPolicyException(at, $"names {name} a second time; takes each region once");
            names.Add(name);
        }
        return names;
    }

    private static DataClass ReadClass(
        JsonProperty property, string[] regions, string[] topology, LawDocument? law)
    {
        string field = $"dataClasses.{property.Name}";
        if (!Name().IsMatch(property.Name))
            throw new ResidencyPolicyException(field,
                "takes a name of lower-case letters, digits and hyphens, 1 to 64 long");
        RefuseUnknown(property.Value, field + ".", ["regions", "regulated", "description", "subjects", "category"]);
        bool regulated = property.Value.TryGetProperty("regulated", out JsonElement flag) && flag.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw new ResidencyPolicyException(field + ".regulated", "takes true or false"),
        };
        List<string> names = RegionNames(property);
        // "*" is the topology's regions, not those that some other class happens to name.
        IEnumerable<string> allowed = names is [EveryRegion] ? topology : names;
        RegionSet set = allowed.Aggregate(RegionSet.None, (all, name) => all.With(Array.IndexOf(regions, name)));
        return WithLaw(new DataClass(property.Name, set, regulated), property.Value, field, law);
    }

    // Under regimes each class says whose data of which category it is: what no regime covers is denied.
    private static DataClass WithLaw(DataClass listed, JsonElement element, string field, LawDocument? law)
    {
        LawFields fields = new(element, field, ["regions", "regulated", "description", "subjects", "category"]);
        if (law is null)
            return fields.Has("subjects") || fields.Has("category")
                ? throw new ResidencyPolicyException(field, "takes subjects and category where the policy has regimes")
                : listed;
        string category = fields.Text("category");
        if (!Vocabulary.Categories.ContainsKey(category))
            throw fields.Bad("category", $"takes one of {string.Join(", ", Vocabulary.CategoryNames)}");
        return listed with
        {
            Category = category,
            Subjects = category == "public" && !fields.Has("subjects") ? [Vocabulary.Unknown] : fields.Required(
                "subjects", "jurisdictions (ISO 3166-1 alpha-2 or EU, with a part after a hyphen)", Places.IsCode),
        };
    }

    private static Dictionary<string, string> ReadFloors(JsonElement root, string section, HashSet<string> classes)
    {
        Dictionary<string, string> floors = [];
        foreach (JsonProperty item in Section(root, section).EnumerateObject())
        {
            string field = $"{section}.{item.Name}";
            if (item.Name.Length is 0 or > NameLengthMax)
                throw new ResidencyPolicyException(field, $"takes a name of 1 to {NameLengthMax} characters");
            if (item.Value.ValueKind != JsonValueKind.Object)
                throw new ResidencyPolicyException(field, "takes an object with a floor");
            RefuseUnknown(item.Value, field + ".", ["floor", "description"]);
            string? floor = item.Value.TryGetProperty("floor", out JsonElement value)
                && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
            if (floor is null || !classes.Contains(floor))
                throw new ResidencyPolicyException(field + ".floor",
                    $"takes one of the data classes ({string.Join(", ", classes)}), not \"{floor}\"");
            floors.Add(item.Name, floor);
        }
        return floors;
    }

    private static void RefuseUnknown(JsonElement element, string prefix, ReadOnlySpan<string> known)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw new ResidencyPolicyException(prefix.TrimEnd('.'), "takes an object");
        foreach (JsonProperty property in element.EnumerateObject())
            if (!known.Contains(property.Name))
                throw new ResidencyPolicyException(prefix + property.Name,
                    $"is not a field; takes {string.Join(", ", known.ToArray())}");
    }

    private static ResidencyPolicyException BadRegion(string field, string got) =>
        new(field, $"takes a region name ({RegionName()}), or \"*\" alone, not \"{got}\"");

    [GeneratedRegex(@"^[a-z][a-z0-9-]{1,30}\z")]
    private static partial Regex RegionName();

    [GeneratedRegex(@"^[a-z][a-z0-9-]{0,63}\z")]
    private static partial Regex Name();
}
