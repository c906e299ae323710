namespace Lepton.Compliance.Client;

/// <summary>One data class of a residency policy.</summary>
/// <param name="Name">Lower-case letters, digits and hyphens.</param>
/// <param name="Set">The regions that may hold such data.</param>
/// <param name="Regulated">
/// True: a decision about such data is on disk before the first byte of it is forwarded.
/// </param>
public sealed record DataClass(string Name, RegionSet Set, bool Regulated);
