namespace Lepton.Compliance.Client.Intrusion;

/// <summary>Rules that cannot be used: the message names the field and what it takes.</summary>
public sealed class IntrusionRulesException(string field, string takes)
    : Exception($"Intrusion rules: {field} {takes}")
{
    /// <summary>The field at fault, for instance <c>rules.spraying.window</c>.</summary>
    public string Field { get; } = field;
}
