using Google.Protobuf.WellKnownTypes;
using Lepton.Platform.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Roles;

/// <summary>Assignments as they are shown: those of the access document and those that were granted by call.</summary>
internal static class RoleViews
{
    /// <summary>An assignment of the access document in the form of one that was granted.</summary>
    public static GrantedRole OfSeed(AccessDocument.Assignment seed) => new()
    {
        Id = seed.Id, Principal = seed.Principal, Tenant = seed.Tenant, Role = seed.Role, Regions = seed.Regions,
        AllTenants = seed.AllTenants, NotBefore = seed.NotBefore, Expires = seed.Expires, GrantedBy = "",
        GrantedFor = "", GrantTime = default,
    };

    /// <summary>Every assignment with its state, by id.</summary>
    public static IEnumerable<V1.Assignment> All(AccessSnapshot access, DateTimeOffset now) =>
        access.Document.Assignments.DistinctBy(a => a.Id).Select(a => Wire(OfSeed(a), now,
                !AccessSnapshot.IsProtected(a) && access.Granted.Withdrawn.Contains(a.Id)))
            .Concat(access.Granted.Assignments.Select(g => Wire(g, now)))
            .OrderBy(a => a.AssignmentId, StringComparer.Ordinal);

    /// <summary>Those who may do something in a region with what belongs to a tenant.</summary>
    public static IEnumerable<V1.Holder> WhoCan(
        AccessSnapshot access, DateTimeOffset now, Permission permission, string region, string tenant) =>
        from assignment in All(access, now)
        where assignment.State == V1.AssignmentState.Active
            && (assignment.Regions.Contains("*") || assignment.Regions.Contains(region))
            && ServiceDefaults.Roles.All[assignment.Role].Has(permission)
        let only = assignment.AllTenants || tenant.Length == 0 || assignment.Tenant == tenant ? "" : tenant
        // Whoever acts for another tenant reaches this one's only where it holds for all.
        where only.Length == 0 || assignment.Tenant is "" or "*"
        select new V1.Holder { Assignment = assignment, OnlyForTenant = only };

    public static V1.Assignment Wire(GrantedRole role, DateTimeOffset now, bool withdrawn = false) => new()
    {
        AssignmentId = role.Id,
        Principal = role.Principal ?? "",
        Tenant = role.Tenant ?? "",
        Role = role.Role,
        Regions = { role.Regions },
        AllTenants = role.AllTenants,
        NotBeforeTime = role.NotBefore?.ToTimestamp(),
        ExpireTime = role.Expires?.ToTimestamp(),
        GrantedBy = role.GrantedBy,
        GrantTime = role.GrantTime == default ? null : role.GrantTime.ToTimestamp(),
        Reason = role.Reason,
        ApprovedBy = role.ApprovedBy ?? "",
        Emergency = role.Emergency,
        State = withdrawn ? V1.AssignmentState.Withdrawn
            : role.Expires <= now ? V1.AssignmentState.Expired
            : role.Pending ? V1.AssignmentState.Pending
            : role.NotBefore > now ? V1.AssignmentState.Later
            : V1.AssignmentState.Active,
    };
}
