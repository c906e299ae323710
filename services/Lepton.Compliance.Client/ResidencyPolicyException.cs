namespace Lepton.Compliance.Client;

/// <summary>A policy that cannot be used: the message names the field and what it takes.</summary>
public sealed class ResidencyPolicyException(string field, string takes)
    : FormatException($"Residency policy: {field} {takes}")
{
    /// <summary>The field at fault, for instance <c>dataClasses.eu-personal.regions[0]</c>.</summary>
    public string Field { get; } = field;
}
