namespace Lepton.Compliance.Client.Intrusion;

/// <summary>Which alerts a caller may see.</summary>
/// <param name="Tenant">Only those about principals of this tenant; null: of all, and those about addresses.</param>
/// <param name="Region">Only those whose last event was in a region that this says true for; null: of all.</param>
public sealed record AlertScope(string? Tenant, Func<string, bool>? Region)
{
    /// <summary>Every alert.</summary>
    public static AlertScope All { get; } = new(null, null);

    internal bool Sees(Alert alert) =>
        (Tenant is null || (alert.Principal.Length > 0 && alert.Tenant == Tenant))
        && (Region is null || Region(alert.Region));
}
