using Lepton.Platform.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Sync.Homes;

/// <summary>Whose data a caller may name: its own tenant's, or anybody's where its role holds for all.</summary>
internal sealed class TenantRules(AccessFile access)
{
    /// <summary>What a service of Lepton's writes as its own.</summary>
    public const string Platform = "platform";

    /// <summary>The tenant that a caller acts for, as it named it or not.</summary>
    public string Of(Caller caller, string named, Permission permission)
    {
        if (caller.Kind == CallerKind.Service)
            return named.Length == 0 ? Platform : Checked(named);
        if (named.Length == 0 || named == caller.Tenant)
            return caller.Tenant;
        var tenant = Checked(named);
        return HoldsForAll(caller, permission)
            ? tenant
            : throw SyncErrors.TenantNotAllowed(caller, tenant, permission);
    }

    /// <summary>May it with what belongs to this tenant? Empty, where nobody knows whose it was: only who may with
    /// all.</summary>
    public bool Holds(Caller caller, string tenant, Permission permission) => HoldsForAll(caller, permission)
        || (tenant.Length > 0 && tenant == caller.Tenant && access.Current.GrantsOf(caller).Own.Has(permission));

    private bool HoldsForAll(Caller caller, Permission permission) =>
        access.Current.GrantsOf(caller).AllTenants.Has(permission);

    private static string Checked(string tenant) =>
        tenant.Length <= 63 && tenant.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_')
            ? tenant
            : throw SyncErrors.FieldInvalid("tenant", "takes 1 to 63 of a-z, 0-9, '-' and '_'");
}
