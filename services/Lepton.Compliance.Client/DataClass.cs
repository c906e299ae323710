using Lepton.Compliance.Client.Law;

namespace Lepton.Compliance.Client;

/// <summary>One data class of a residency policy.</summary>
/// <param name="Name">Lower-case letters, digits and hyphens.</param>
/// <param name="Set">The regions in which such data may be processed: those of <see cref="Purpose.Inference"/>.</param>
/// <param name="Regulated">
/// True: a decision about such data is on disk before the first byte of it is forwarded.
/// </param>
public sealed record DataClass(string Name, RegionSet Set, bool Regulated)
{
    /// <summary>Whose data: jurisdictions, all of whose laws must allow. Empty: the policy has no regimes.</summary>
    public IReadOnlyList<string> Subjects { get; init; } = [];

    /// <summary>Which data. Empty where the policy has no regimes.</summary>
    public string Category { get; init; } = "";

    /// <summary>The regions in which records of such data may be kept: stored and copied to.</summary>
    public RegionSet Kept => For(Purpose.Storage).And(For(Purpose.Replication));

    // By purpose; empty: Set for every one.
    internal RegionSet[] Sets { get; init; } = [];

    // The class's own list, before the law narrowed it.
    internal RegionSet Listed { get; init; } = Set;

    /// <summary>The regions that may hold such data for a purpose.</summary>
    public RegionSet For(Purpose purpose) => Sets.Length == 0 ? Set : Sets[(int)purpose];
}
