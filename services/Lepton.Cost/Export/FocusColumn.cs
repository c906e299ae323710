using System.Collections.Frozen;

namespace Lepton.Cost.Export;

/// <summary>Which edition of FOCUS.</summary>
internal enum FocusVersion
{
    /// <summary>1.2 (May 2025).</summary>
    V12,

    /// <summary>1.4 (June 2026): without ProviderName and PublisherName.</summary>
    V14,
}

/// <summary>A column of the FinOps Open Cost and Usage Specification, as <c>focus.csv</c> says it.</summary>
/// <param name="Name">Its id.</param>
/// <param name="IsMandatory">Every data set has it.</param>
/// <param name="IsNullable">A row may have no value.</param>
/// <param name="Type"><c>string</c>, <c>decimal</c>, <c>time</c> or <c>json</c>.</param>
/// <param name="Format"><c>currency</c>, <c>values</c>, <c>unit</c>, <c>nonnegative</c>, <c>prefixed</c>; empty:
/// no more
/// than its type.</param>
internal sealed record FocusColumn(string Name, bool IsMandatory, bool IsNullable, string Type, string Format)
{
    private static readonly FocusColumn[] Columns =
    [
        .. Resource("focus.csv").Select(c => new FocusColumn(c[0], c[1] == "mandatory", c[2] == "true", c[3], c[4])),
    ];

    private static readonly FrozenDictionary<string, FrozenDictionary<string, string>> Values =
        Resource("focus-values.csv").GroupBy(v => v[0]).ToFrozenDictionary(
            g => g.Key, g => g.ToFrozenDictionary(v => v[1], v => v[2]));

    /// <summary>All of an edition, in its order.</summary>
    public static IReadOnlyList<FocusColumn> Of(FocusVersion version) => version == FocusVersion.V12 ? Columns
        : [.. Columns.Where(c => c.Format != "until1.4")];

    /// <summary>May it have this value, where only some are allowed?</summary>
    public bool Allows(string value) => Values[Name].ContainsKey(value);

    /// <summary>The category that a subcategory belongs to; null: there is no such subcategory.</summary>
    public static string? ParentOf(string subcategory) => Values["ServiceSubcategory"].GetValueOrDefault(subcategory);

    private static IEnumerable<string[]> Resource(string name)
    {
        using var stream = typeof(FocusColumn).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"{name} is not in the assembly.");
        using StreamReader reader = new(stream);
        foreach (var record in Csv.Read(reader).Skip(1).ToArray())
            yield return [.. record.Select(field => field ?? "")];
    }
}
