using System.Collections.Frozen;
using Lepton.Platform.V1;

namespace Lepton.ServiceDefaults;

/// <summary>What each role holds. Where it holds is said by the assignment.</summary>
public static class Roles
{
    private static readonly Permission[] See =
        [Permission.ModelsRead, Permission.NodesRead, Permission.DecisionsRead];

    /// <summary>Every role by name.</summary>
    public static FrozenDictionary<string, PermissionSet> All { get; } = new Dictionary<string, PermissionSet>
    {
        // A program of a tenant's that uses models.
        ["service"] = new(Permission.Infer, Permission.ModelsRead, Permission.DecisionsRead, Permission.RecordsRead,
            Permission.RecordsWrite),
        // Answers for personal data: reads, corrects, exports, erases.
        ["steward"] = new(Permission.RecordsRead, Permission.RecordsWrite, Permission.SubjectsManage),
        ["viewer"] = new([.. See, Permission.PoliciesRead]),
        ["operator"] = new([.. See, Permission.ModelsManage, Permission.NodesManage, Permission.MetricsRead,
            Permission.RecordsManage, Permission.BreakGlass]),
        ["auditor"] = new([.. See, Permission.AuditRead, Permission.RolesRead, Permission.PoliciesRead]),
        // Answers for evidence: reads and exports the audit log, sets holds, sees who holds what.
        ["audit-officer"] = new([.. See, Permission.AuditRead, Permission.AuditExport, Permission.AuditManage,
            Permission.RolesRead, Permission.PoliciesRead]),
        // Where data may be: nobody approves their own, so it takes two of them.
        ["compliance-officer"] = new([.. See, Permission.PoliciesRead, Permission.PoliciesManage,
            Permission.PoliciesApprove]),
        ["billing"] = new(Permission.CostsRead, Permission.CostsManage),
        ["admin"] = new([.. Enum.GetValues<Permission>().Where(p => p != Permission.Unspecified)]),
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, Permission> Named = Enum.GetValues<Permission>()
        .Where(p => p != Permission.Unspecified).ToFrozenDictionary(AccessRule.NameOf);

    /// <summary>The permission of this name (<c>NODES_MANAGE</c>); null: there is none.</summary>
    public static Permission? Find(string name) => Named.TryGetValue(name, out var found) ? found : null;
}

/// <summary>A set of permissions: one bit each.</summary>
public readonly record struct PermissionSet
{
    private readonly ulong _bits;

    /// <summary>The set of these.</summary>
    public PermissionSet(params ReadOnlySpan<Permission> permissions)
    {
        foreach (var permission in permissions)
            _bits |= Bit(permission);
    }

    private PermissionSet(ulong bits) => _bits = bits;

    /// <summary>Is this one in the set? UNSPECIFIED never is.</summary>
    public bool Has(Permission permission) =>
        permission != Permission.Unspecified && (_bits & Bit(permission)) != 0;

    /// <summary>What either holds.</summary>
    public PermissionSet With(PermissionSet other) => new(_bits | other._bits);

    /// <summary>Those in the set, in the enum's order.</summary>
    public IEnumerable<Permission> Each()
    {
        var set = this;
        return Enum.GetValues<Permission>().Where(p => set.Has(p));
    }

    private static ulong Bit(Permission permission) => 1UL << (int)permission;
}
