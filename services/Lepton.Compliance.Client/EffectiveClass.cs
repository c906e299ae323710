namespace Lepton.Compliance.Client;

/// <summary>
/// What one request's data may do: the strictest of its tenant's floor, its model's floor and its header.
/// </summary>
/// <param name="Name">
/// The data class whose regions are the allowed ones; where no single class says it, the incomparable ones joined by
/// <c>+</c> (for instance <c>eu-personal+us-health</c>), which <see cref="ResidencyPolicy.Decide"/> takes as a class
/// too.
/// </param>
/// <param name="Set">The allowed regions as indexes into <see cref="ResidencyPolicy.Regions"/>; may be empty.</param>
/// <param name="Regions">The same by name, in the policy's order.</param>
/// <param name="Regulated">True when any of the classes joined is regulated.</param>
public sealed record EffectiveClass(string Name, RegionSet Set, IReadOnlyList<string> Regions, bool Regulated)
{
    /// <summary>May this region hold the data? An unknown region never may.</summary>
    public bool Allows(string region)
    {
        for (int i = 0; i < Regions.Count; i++)
            if (Regions[i] == region)
                return true;
        return false;
    }
}
