namespace Lepton.Compliance.Client;

/// <summary>
/// The answer of <see cref="ResidencyPolicy.Decide"/>. Only <see cref="Known"/> carries regions: all else is denied.
/// </summary>
public abstract record ResidencyVerdict
{
    private ResidencyVerdict()
    {
    }

    /// <summary>The class is known; its set of regions may still be empty, and then no region may serve.</summary>
    public sealed record Known(EffectiveClass Class) : ResidencyVerdict;

    /// <summary>The policy names no such tenant.</summary>
    public sealed record UnknownTenant(string Tenant) : ResidencyVerdict;

    /// <summary>The policy names no such data class.</summary>
    public sealed record UnknownClass(string DataClass) : ResidencyVerdict;

    /// <summary>The policy names neither this model nor a floor for <c>default</c>.</summary>
    public sealed record UnknownModel(string Model) : ResidencyVerdict;
}
