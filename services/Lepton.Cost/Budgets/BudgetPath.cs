namespace Lepton.Cost.Budgets;

/// <summary>
/// The budgets that one piece of work counts against, from the top: organisation, tenant, tag (B4). Each is named
/// by the
/// whole way to it: <c>org</c>, <c>org/tenant</c>, <c>org/tenant/model=ocr</c>.
/// </summary>
/// <param name="Levels">1 to 8 names, each beginning with the one before.</param>
internal sealed record BudgetPath(IReadOnlyList<string> Levels)
{
    /// <summary>Levels of one path.</summary>
    public const int LevelsMax = 8;

    /// <summary>From its parts.</summary>
    /// <param name="parts">The organisation, the tenant, a tag as <c>name=value</c>; without slashes.</param>
    public static BudgetPath Of(params IReadOnlyList<string> parts)
    {
        ArgumentOutOfRangeException.ThrowIfZero(parts.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(parts.Count, LevelsMax);
        if (parts.FirstOrDefault(p => p.Length == 0 || p.Contains('/', StringComparison.Ordinal)) is { } bad)
            throw new ArgumentException($"takes parts without slashes, not \"{bad}\"", nameof(parts));
        return new BudgetPath([.. Enumerable.Range(1, parts.Count).Select(n => string.Join('/', parts.Take(n)))]);
    }
}
