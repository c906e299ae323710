using System.Text.Json;

namespace Lepton.Compliance.Client.Law;

/// <summary>Reads cases: given, expect.</summary>
internal static class LawTestReader
{
    /// <summary>A regime's: in terms of the law, with safeguards and counts of its own.</summary>
    public static LawTest ReadRegime(JsonElement element, string path)
    {
        LawFields fields = new(element, path, ["name", "given", "expect"]);
        var given = Given(fields,
            ["subject", "category", "purpose", "destination", "safeguards", "counts", "date"]);
        Dictionary<string, long> counts = given.Properties("counts").ToDictionary(p => p.Name,
            p => p.Value.ValueKind == JsonValueKind.Number && p.Value.TryGetInt64(out var n) && n >= 0 ? n
                : throw given.Bad("counts", $"takes whole numbers of 0 or more; not {p}"));
        var category = given.Text("category");
        if (!Vocabulary.Categories.ContainsKey(category))
            throw given.Bad("category", $"takes one of {string.Join(", ", Vocabulary.CategoryNames)}");
        var (effect, rule) = Expect(fields);
        return new LawTest(fields.TextOr("name", null) ?? path, Code(given, "subject"), category, "",
            given.Purpose("purpose"), Code(given, "destination"), given.Safeguards("safeguards"), counts,
            given.DateOr("date"), effect, rule);
    }

    /// <summary>A policy's: in terms of its data classes and regions.</summary>
    public static LawTest ReadPolicy(JsonElement element, string path)
    {
        LawFields fields = new(element, path, ["name", "given", "expect"]);
        var given = Given(fields, ["dataClass", "purpose", "region", "date"]);
        var (effect, rule) = Expect(fields);
        return new LawTest(fields.TextOr("name", null) ?? path, "", "", given.Text("dataClass"),
            given.Purpose("purpose"), given.Text("region"), 0, new Dictionary<string, long>(), given.DateOr("date"),
            effect, rule);
    }

    private static LawFields Given(LawFields fields, ReadOnlySpan<string> known) =>
        new(fields.Find("given") ?? throw fields.Bad("given", "takes an object and is required"),
            fields.PathOf("given"), known);

    private static (LawEffect Effect, string? Rule) Expect(LawFields fields)
    {
        LawFields expect = new(fields.Find("expect") ?? throw fields.Bad("expect", "takes an object and is required"),
            fields.PathOf("expect"), ["effect", "rule"]);
        return (expect.Effect("effect"), expect.TextOr("rule", null));
    }

    private static string Code(LawFields fields, string name)
    {
        var code = fields.Text(name);
        return Places.IsCode(code) ? code : throw fields.Bad(name, $"takes a jurisdiction, not \"{code}\"");
    }
}
