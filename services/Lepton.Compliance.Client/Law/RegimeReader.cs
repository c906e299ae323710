using System.Text.Json;
using System.Text.RegularExpressions;

namespace Lepton.Compliance.Client.Law;

/// <summary>Reads one regime (<c>deploy/regimes/regime.schema.json</c>), strictly.</summary>
internal static partial class RegimeReader
{
    private const int RulesMax = 200, TestsMax = 500, InvariantsMax = 50, GroupsMax = 50;

    /// <param name="element">The regime as JSON.</param>
    /// <param name="path">Where it stands.</param>
    /// <exception cref="ResidencyPolicyException">Something in it is wrong; names the field.</exception>
    public static Regime Read(JsonElement element, string path)
    {
        LawFields fields = new(element, path,
        [
            "id", "name", "source", "dated", "review", "note", "scope", "groups", "counters", "rules", "invariants",
            "tests",
        ]);
        var id = fields.Id("id");
        path = $"regimes[{id}]";
        fields = new LawFields(element, path,
        [
            "id", "name", "source", "dated", "review", "note", "scope", "groups", "counters", "rules", "invariants",
            "tests",
        ]);
        var groups = ReadGroups(fields);
        Dictionary<string, string> counters = fields.Properties("counters").ToDictionary(
            p => LawFields.IdForm().IsMatch(p.Name) && p.Value.ValueKind == JsonValueKind.String ? p.Name
                : throw fields.Bad("counters", $"takes names and what each counts; not {p}"),
            p => p.Value.GetString() ?? "");
        if (fields.Find("scope") is not { } scopeElement)
            throw fields.Bad("scope", "takes subjects and categories, and is required");
        LawFields scope = new(scopeElement, fields.PathOf("scope"), ["subjects", "categories"]);
        var subjects = scope.Required("subjects", PlacesTake(groups), IsSubject(groups));
        var categories = scope.Categories("categories");
        if (categories.Count == 0)
            throw scope.Bad("categories", "takes one category or more, and is required");
        var rules = fields.Items("rules", RulesMax,
            (rule, at) => ReadRule(new RuleContext(id, groups, counters, subjects, categories), rule, at));
        if (rules.GroupBy(r => r.Id).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw fields.Bad("rules", $"has two rules of id {twice.Key}");
        return new Regime(id, fields.Text("name"), fields.Text("source"), fields.Date("dated"), subjects, categories,
            groups, counters, rules,
            fields.Items("invariants", InvariantsMax, (i, at) => ReadInvariant(i, at, groups)),
            fields.Items("tests", TestsMax, LawTestReader.ReadRegime));
    }

    /// <summary>An invariant of a regime, or of a policy, which has no groups.</summary>
    public static Invariant ReadInvariant(
        JsonElement element, string path, IReadOnlyDictionary<string, IReadOnlyList<string>> groups)
    {
        LawFields fields = new(element, path,
            ["id", "says", "subjects", "categories", "purposes", "destinations", "except", "unless", "groups"]);
        if (fields.Has("groups"))
            groups = ReadGroups(fields);
        return new Invariant(fields.Id("id"), fields.Text("says"),
            fields.Required("subjects", PlacesTake(groups), IsSubject(groups)),
            fields.Categories("categories") is { Count: > 0 } categories ? categories : [Vocabulary.Any],
            fields.Purposes("purposes"),
            fields.Texts("destinations", PlacesTake(groups), IsDestination(groups)) is { Count: > 0 } to
                ? to : [Vocabulary.Any],
            fields.Texts("except", PlacesTake(groups), IsDestination(groups)), fields.Safeguards("unless"), groups);
    }

    internal static Dictionary<string, IReadOnlyList<string>> ReadGroups(LawFields fields)
    {
        Dictionary<string, IReadOnlyList<string>> groups = [];
        foreach (var group in fields.Properties("groups"))
        {
            var field = fields.PathOf("groups." + group.Name);
            if (!GroupName().IsMatch(group.Name) || group.Name is Vocabulary.Home or Vocabulary.Here)
                throw new ResidencyPolicyException(field,
                    "takes a name of 3 to 32 lower-case letters, digits and hyphens, not home or here");
            using var one = JsonDocument.Parse($"{{\"is\":{group.Value.GetRawText()}}}");
            groups[group.Name] = new LawFields(one.RootElement, field, ["is"])
                .Texts("is", "jurisdictions (ISO 3166-1 alpha-2 or EU, with a part after a hyphen)", Places.IsCode);
        }
        return groups.Count <= GroupsMax ? groups : throw fields.Bad("groups", $"takes {GroupsMax} at most");
    }

    private static LawRule ReadRule(RuleContext context, JsonElement element, string path)
    {
        LawFields fields = new(element, path,
        [
            "id", "subjects", "categories", "purposes", "destinations", "effect", "conditions", "when", "source",
            "from", "until", "note",
        ]);
        var effect = fields.Effect("effect");
        var conditions = fields.Conditions("conditions");
        if (effect == LawEffect.Deny && conditions.Count > 0)
            throw fields.Bad("conditions", "is for rules that allow");
        DateOnly from = fields.Date("from");
        var until = fields.DateOr("until");
        if (until <= from)
            throw fields.Bad("until", "takes a date after from");
        return new LawRule($"{context.Regime}.{fields.Id("id")}",
            fields.Texts("subjects", PlacesTake(context.Groups), IsSubject(context.Groups)) is { Count: > 0 } subjects
                ? subjects : context.Subjects,
            fields.Categories("categories") is { Count: > 0 } categories ? categories : context.Categories,
            fields.Purposes("purposes"),
            fields.Required("destinations", PlacesTake(context.Groups), IsDestination(context.Groups)),
            effect, conditions, ReadWhen(context, fields), fields.Text("source"), from, until);
    }

    private static CounterBound? ReadWhen(RuleContext context, LawFields rule)
    {
        if (rule.Find("when") is not { } element)
            return null;
        LawFields fields = new(element, rule.PathOf("when"), ["counter", "atLeast", "below"]);
        var counter = fields.Text("counter");
        if (!context.Counters.ContainsKey(counter))
            throw fields.Bad("counter", $"takes one of the regime's counters, not \"{counter}\"");
        CounterBound bound = new(counter, fields.WholeOr("atLeast") ?? 0, fields.WholeOr("below"));
        return bound.Below <= bound.AtLeast ? throw fields.Bad("below", "takes a number over atLeast") : bound;
    }

    private static string PlacesTake(IReadOnlyDictionary<string, IReadOnlyList<string>> groups) =>
        "jurisdictions (ISO 3166-1 alpha-2 or EU, with a part after a hyphen), * or groups "
        + $"({string.Join(", ", groups.Keys)})";

    private static Func<string, bool> IsSubject(IReadOnlyDictionary<string, IReadOnlyList<string>> groups) =>
        text => text == Vocabulary.Any || groups.ContainsKey(text) || Places.IsCode(text);

    private static Func<string, bool> IsDestination(IReadOnlyDictionary<string, IReadOnlyList<string>> groups) =>
        text => text is Vocabulary.Home or Vocabulary.Here || IsSubject(groups)(text);

    private sealed record RuleContext(
        string Regime, IReadOnlyDictionary<string, IReadOnlyList<string>> Groups,
        IReadOnlyDictionary<string, string> Counters, IReadOnlyList<string> Subjects,
        IReadOnlyList<string> Categories);

    [GeneratedRegex(@"^[a-z][a-z0-9-]{2,31}\z")]
    private static partial Regex GroupName();
}
