using System.Collections.Frozen;

namespace Lepton.Compliance.Client.Law;

/// <summary>
/// The words that regimes and policies share. <c>deploy/regimes/regime.schema.json</c> lists the same; a test holds the
/// two together.
/// </summary>
public static class Vocabulary
{
    /// <summary>Any jurisdiction, category or purpose; the least specific match.</summary>
    public const string Any = "*";

    /// <summary>The destination lies in the subject's own country (or union of them).</summary>
    public const string Home = "home";

    /// <summary>The destination lies in the subject's own jurisdiction, a province where it is one.</summary>
    public const string Here = "here";

    /// <summary>A place of which no jurisdiction is known (ISO 3166 leaves ZZ to its users). Only <c>*</c> covers it.
    /// </summary>
    public const string Unknown = "ZZ";

    /// <summary>Categories and what each is a kind of; a rule about a category covers all kinds of it.</summary>
    public static FrozenDictionary<string, string?> Categories { get; } = new Dictionary<string, string?>
    {
        ["public"] = null,
        ["important"] = null, // China: DSL art. 21
        ["government"] = null,
        ["personal"] = null,
        ["special"] = "personal", // GDPR art. 9 and its like
        ["health"] = "special",
        ["health-record"] = "health", // of a national system of records
        ["biometric"] = "special",
        ["genetic"] = "special",
        ["financial"] = "personal",
        ["payment"] = "financial",
        ["location"] = "personal", // precise
        ["identifiers"] = "personal",
    }.ToFrozenDictionary();

    /// <summary>Every category in the table's order.</summary>
    public static IReadOnlyList<string> CategoryNames { get; } = [.. Categories.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Every purpose as written, in the enum's order.</summary>
    public static IReadOnlyList<string> PurposeNames { get; } =
        [.. Enum.GetValues<Purpose>().Select(p => p.ToString().ToLowerInvariant())];

    /// <summary>
    /// Safeguards that a rule may ask for and a policy may say are in place; at most 64, they are bits of a word.
    /// </summary>
    public static IReadOnlyList<string> Safeguards { get; } =
    [
        "scc", // standard contractual clauses of the regime
        "idta", // the United Kingdom's agreement or addendum
        "bcr", // binding corporate rules
        "contract", // another contract that the regime asks for
        "certification",
        "code-of-conduct",
        "adequate-recipient", // the recipient is covered by a partial adequacy decision
        "consent",
        "notice",
        "impact-assessment",
        "security-assessment", // by the authority
        "approval", // of the authority, case by case
        "security-requirements", // 28 CFR 202.248
        "baa", // business associate agreement, 45 CFR 164.504(e)
        "home-copy", // the first copy is, and stays, at home
        "return-and-delete", // brought home and deleted abroad within the regime's time
    ];

    /// <summary>How much less general a category is than another: 0 the same, 1 its kind, ...; -1 none of it.</summary>
    internal static int Distance(string category, string of)
    {
        var distance = 0;
        for (var at = category; at is not null; at = Categories.GetValueOrDefault(at), distance++)
            if (at == of)
                return distance;
        return -1;
    }

    /// <summary>The purpose of a name; null: none has it.</summary>
    public static Purpose? PurposeOf(string name)
    {
        for (var i = 0; i < PurposeNames.Count; i++)
            if (PurposeNames[i] == name)
                return (Purpose)i;
        return null;
    }

    internal static string NameOf(Purpose purpose) => PurposeNames[(int)purpose];

    internal static ulong Bit(string safeguard)
    {
        for (var i = 0; i < Safeguards.Count; i++)
            if (Safeguards[i] == safeguard)
                return 1UL << i;
        throw new ArgumentException($"{safeguard} is no safeguard", nameof(safeguard));
    }

    internal static IReadOnlyList<string> NamesOf(ulong safeguards) =>
        [.. Safeguards.Where((_, i) => (safeguards >> i & 1) != 0)];
}
