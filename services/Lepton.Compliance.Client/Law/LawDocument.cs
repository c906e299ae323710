using System.Text.Json;

namespace Lepton.Compliance.Client.Law;

/// <summary>The law's part of a policy, as read and checked.</summary>
/// <param name="Regimes">By id.</param>
/// <param name="Regions">Each region's jurisdiction; a region without is known to none.</param>
/// <param name="Safeguards">In place.</param>
/// <param name="Counts">By counter.</param>
/// <param name="Invariants">The policy's own, beside the regimes'.</param>
/// <param name="Tests">The policy's own, beside the regimes'.</param>
internal sealed record LawDocument(
    IReadOnlyList<Regime> Regimes, IReadOnlyDictionary<string, string> Regions, IReadOnlyList<Safeguard> Safeguards,
    IReadOnlyDictionary<string, Count> Counts, IReadOnlyList<Invariant> Invariants, IReadOnlyList<LawTest> Tests)
{
    public const int RegimesMax = 64;

    /// <summary>The policy's fields that are the law's.</summary>
    public static readonly string[] Fields = ["regimes", "regions", "safeguards", "counts", "invariants", "tests"];

    private static readonly IReadOnlyDictionary<string, IReadOnlyList<string>> NoGroups =
        new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>Reads them; null: the policy names no regimes, and its classes' lists alone say it.</summary>
    /// <param name="root">The policy.</param>
    /// <param name="all">Every field that a policy may have.</param>
    public static LawDocument? Read(JsonElement root, ReadOnlySpan<string> all)
    {
        LawFields fields = new(root, "", all);
        if (!fields.Has("regimes"))
        {
            foreach (var name in Fields)
                if (fields.Has(name))
                    throw fields.Bad(name, "is for policies with regimes");
            return null;
        }
        var regimes = fields.Items("regimes", RegimesMax, RegimeReader.Read);
        if (regimes.GroupBy(r => r.Id).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw fields.Bad("regimes", $"names {twice.Key} twice");
        Dictionary<string, string> regions = fields.Properties("regions").ToDictionary(r => r.Name, r =>
            new LawFields(r.Value, $"regions.{r.Name}", ["jurisdiction", "description"])
                .Text("jurisdiction") is var code && Places.IsCode(code) ? code
                : throw fields.Bad($"regions.{r.Name}.jurisdiction",
                    "takes an ISO 3166-1 alpha-2 code or EU, with a part after a hyphen"));
        return new LawDocument([.. regimes.OrderBy(r => r.Id, StringComparer.Ordinal)], regions,
            fields.Items("safeguards", 200, ReadSafeguard), ReadCounts(fields, regimes),
            fields.Items("invariants", 50, (i, at) => RegimeReader.ReadInvariant(i, at, NoGroups)),
            fields.Items("tests", 500, LawTestReader.ReadPolicy));
    }

    /// <summary>The rules as they hold on a day, with the counts as they are known then.</summary>
    public LawState On(DateOnly date) => new(Regimes, date,
        counter => Counts.TryGetValue(counter, out var count) ? count.On(date) : null);

    /// <summary>Safeguards in place for a transfer on a day, as bits.</summary>
    public ulong InPlace(string subject, string category, string destination, DateOnly date)
    {
        var bits = 0UL;
        foreach (var safeguard in Safeguards)
            if (safeguard.Covers(subject, category, destination, date))
                bits |= safeguard.Kinds;
        return bits;
    }

    /// <summary>Days after this one on which something begins or ends to hold, the next first.</summary>
    public IEnumerable<DateOnly> DatesAfter(DateOnly date) => Regimes.SelectMany(r => r.Rules)
        .SelectMany(r => new[] { r.From, r.Until })
        .Concat(Safeguards.SelectMany(s => new[] { s.From, s.Until }))
        .Concat(Counts.Values.Select(c => (DateOnly?)c.AsOf.AddDays(Count.DaysMax + 1)))
        .OfType<DateOnly>().Where(d => d > date).Distinct().Order();

    private static Safeguard ReadSafeguard(JsonElement element, string path)
    {
        LawFields fields = new(element, path,
            ["kinds", "subjects", "categories", "destinations", "reference", "from", "until"]);
        var kinds = fields.Safeguards("kinds");
        if (kinds == 0)
            throw fields.Bad("kinds", "takes one safeguard or more, and is required");
        var categories = fields.Categories("categories");
        if (categories.Count == 0 || categories.Contains(Vocabulary.Any))
            throw fields.Bad("categories", "takes one category or more, by name, and is required");
        const string takes = "jurisdictions (ISO 3166-1 alpha-2 or EU, with a part after a hyphen), by name";
        return new Safeguard(kinds, fields.Required("subjects", takes, Places.IsCode), categories,
            fields.Required("destinations", takes, Places.IsCode), fields.Text("reference"), fields.Date("from"),
            fields.DateOr("until"));
    }

    private static Dictionary<string, Count> ReadCounts(LawFields fields, IReadOnlyList<Regime> regimes)
    {
        HashSet<string> known = [.. regimes.SelectMany(r => r.Counters.Keys)];
        Dictionary<string, Count> counts = [];
        foreach (var item in fields.Properties("counts"))
        {
            LawFields count = new(item.Value, $"counts.{item.Name}", ["count", "asOf"]);
            if (!known.Contains(item.Name))
                throw fields.Bad($"counts.{item.Name}",
                    $"is no counter of the regimes; takes {string.Join(", ", known.Order())}");
            counts[item.Name] = new Count(
                count.WholeOr("count") ?? throw count.Bad("count", "takes a whole number of 0 or more"),
                count.Date("asOf"));
        }
        return counts;
    }
}
