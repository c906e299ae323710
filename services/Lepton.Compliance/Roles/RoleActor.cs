using Lepton.Platform.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Roles;

/// <summary>Who changes roles, and what that one holds now.</summary>
/// <param name="Principal">As callers are named.</param>
/// <param name="Tenant">For whom it acts.</param>
/// <param name="Held">What it holds, in any region.</param>
internal sealed record RoleActor(string Principal, string Tenant, IReadOnlyList<AccessDocument.Assignment> Held)
{
    public static RoleActor Of(Caller caller, AccessSnapshot access) =>
        new(caller.Principal, caller.Tenant, [.. access.RolesOf(caller)]);

    /// <summary>
    /// Does it hold this in each of these regions? Of a role that was taken in an emergency only where that counts.
    /// </summary>
    public bool Holds(Permission permission, IEnumerable<string> regions, bool forAllTenants, bool byEmergency)
    {
        HashSet<string> where =
        [
            .. Held.Where(a => (a.AllTenants || !forAllTenants) && (byEmergency || !a.IsEmergency)
                    && ServiceDefaults.Roles.All[a.Role].Has(permission))
                .SelectMany(a => a.Regions),
        ];
        return where.Contains("*") || regions.All(where.Contains);
    }

    /// <summary>Is it this one, or does it act for this tenant? A tenant's certificate is a principal too.</summary>
    public bool Is(GrantedRole role) => role.Principal == Principal || role.Tenant == Tenant || role.Tenant == "*"
        || role.Principal == $"tenant/{Tenant}";
}
