using Lepton.Platform.V1;
using Lepton.ServiceDefaults;
using static Lepton.Compliance.V1.ErrorReason;

namespace Lepton.Compliance.Roles;

/// <summary>What may be granted, approved, taken away and taken in an emergency. Knows no record and no wire.</summary>
/// <param name="Access">The access document in use: assignments, duties, which roles need approval.</param>
/// <param name="Granted">What was granted by call so far.</param>
/// <param name="Now">The time.</param>
/// <param name="ApprovalTimeMax">What waits for longer is dropped.</param>
internal sealed record RoleBook(
    AccessDocument Access, RolesDocument Granted, DateTimeOffset Now, TimeSpan ApprovalTimeMax)
{
    /// <summary>Grants a role.</summary>
    public RoleOutcome Grant(RoleActor actor, GrantedRole wanted)
    {
        if (Find(wanted.Id) is { } there)
            return Again(there, wanted);
        if (actor.Is(wanted))
            return SelfGrant(actor, wanted);
        if (!actor.Holds(Permission.RolesManage, wanted.Regions, forAllTenants: true, byEmergency: false))
            return ScopeMissing(actor, Permission.RolesManage, wanted.Regions);
        var role = wanted with { Pending = Access.Approvals.Contains(wanted.Role) };
        return Conflict(role) ?? Add(role);
    }

    /// <summary>Lets what waits hold.</summary>
    public RoleOutcome Approve(RoleActor actor, string id)
    {
        if (Find(id) is not { } role)
            return Unknown(id);
        if (!role.Pending)
            return new RoleOutcome.Same(role);
        if (actor.Is(role))
            return SelfGrant(actor, role);
        if (role.GrantedBy == actor.Principal)
            return new RoleOutcome.Refused(SecondPersonNeeded,
                $"{actor.Principal} granted it; somebody else approves it.");
        if (!actor.Holds(Permission.RolesManage, role.Regions, forAllTenants: true, byEmergency: false))
            return ScopeMissing(actor, Permission.RolesManage, role.Regions);
        if (Conflict(role) is { } conflict)
            return conflict;
        var approved = role with { Pending = false, ApprovedBy = actor.Principal };
        return new RoleOutcome.Changed(
            Next([.. Kept().Select(r => r.Id == id ? approved : r)], Granted.Withdrawn), approved);
    }

    /// <summary>Takes a role away. Containing somebody is an emergency's business too.</summary>
    public RoleOutcome Revoke(RoleActor actor, string id)
    {
        if (Find(id) is { } role)
            return role.Principal == actor.Principal
                || actor.Holds(Permission.RolesManage, role.Regions, forAllTenants: true, byEmergency: true)
                    ? new RoleOutcome.Changed(Next([.. Kept().Where(r => r.Id != id)], Granted.Withdrawn), role)
                    : ScopeMissing(actor, Permission.RolesManage, role.Regions);
        if (Access.Assignments.FirstOrDefault(a => a.Id == id) is not { } seed)
            return Unknown(id);
        if (AccessSnapshot.IsProtected(seed))
            return new RoleOutcome.Refused(SeedProtected,
                $"{id} is the owner's way in; it is changed in the access file, which the installation's owner signs.");
        if (!actor.Holds(Permission.RolesManage, seed.Regions, forAllTenants: true, byEmergency: true))
            return ScopeMissing(actor, Permission.RolesManage, seed.Regions);
        return Granted.Withdrawn.Contains(id)
            ? new RoleOutcome.Same(RoleViews.OfSeed(seed))
            : new RoleOutcome.Changed(Next(Kept(), [.. Granted.Withdrawn, id]), RoleViews.OfSeed(seed));
    }

    /// <summary>Takes an emergency role for the actor itself; whether the role may be one, the caller has
    /// checked.</summary>
    public RoleOutcome BreakGlass(RoleActor actor, GrantedRole wanted)
    {
        if (Find(wanted.Id) is { } there)
            return Again(there, wanted);
        return actor.Holds(Permission.BreakGlass, wanted.Regions, wanted.AllTenants, byEmergency: false)
            ? Add(wanted)
            : ScopeMissing(actor, Permission.BreakGlass, wanted.Regions);
    }

    private GrantedRole? Find(string id) => Kept().FirstOrDefault(r => r.Id == id);

    // What is over is in the audit log, and here no more.
    private List<GrantedRole> Kept() => [.. Granted.Assignments.Where(r =>
        !(r.Expires <= Now) && !(r.Pending && r.GrantTime + ApprovalTimeMax <= Now))];

    private RoleOutcome Add(GrantedRole role)
    {
        var kept = Kept();
        return kept.Count >= RolesDocument.AssignmentsMax
            ? new RoleOutcome.Refused(RolesFull, $"{kept.Count} roles are granted by call, as many as there may be.",
                new Dictionary<string, string> { ["limit"] = $"{RolesDocument.AssignmentsMax}" })
            : new RoleOutcome.Changed(Next([.. kept, role], Granted.Withdrawn), role);
    }

    private RolesDocument Next(IReadOnlyList<GrantedRole> assignments, IReadOnlyList<string> withdrawn)
    {
        // Withdrawn is what the access document still says.
        var seeds = Access.Assignments.Select(a => a.Id).ToHashSet(StringComparer.Ordinal);
        return new RolesDocument
        {
            Version = Granted.Version + 1, Assignments = assignments, Withdrawn = [.. withdrawn.Where(seeds.Contains)],
        };
    }

    private RoleOutcome.Refused? Conflict(GrantedRole role) => DutyCheck.Conflict(
        Access.Duties, role.Assignment, AccessSnapshot.AllOf(Access, Granted), Now) is var (rule, with)
            ? new RoleOutcome.Refused(DutiesConflict,
                $"{rule.Name}: {string.Join(" and ", rule.Apart)} are kept apart, and there is {with.Id} ({with.Role}).",
                new Dictionary<string, string> { ["rule"] = rule.Name, ["with"] = with.Id })
            : null;

    // Sent again: the first one's answer, if it asked for the same.
    private static RoleOutcome Again(GrantedRole there, GrantedRole wanted) =>
        there.Principal == wanted.Principal && there.Tenant == wanted.Tenant && there.Role == wanted.Role
            && there.Regions.SequenceEqual(wanted.Regions) && there.AllTenants == wanted.AllTenants
            && there.Emergency == wanted.Emergency && there.GrantedBy == wanted.GrantedBy
            ? new RoleOutcome.Same(there)
            : new RoleOutcome.Refused(RequestIdUsed, $"{wanted.Id} was granted to another or as another role.");

    private static RoleOutcome.Refused Unknown(string id) =>
        new(AssignmentUnknown, $"There is no assignment {id}; it may have ended.");

    private static RoleOutcome.Refused SelfGrant(RoleActor actor, GrantedRole role) => new(V1.ErrorReason.SelfGrant,
        $"{actor.Principal} acts for {actor.Tenant}: nobody gives a role to himself or to his tenant "
        + $"({role.Principal ?? "tenant " + role.Tenant}).");

    private static RoleOutcome.Refused ScopeMissing(
        RoleActor actor, Permission permission, IReadOnlyList<string> regions) => new(ScopeNotHeld,
        $"{actor.Principal} does not hold {AccessRule.NameOf(permission)} with this reach in "
        + $"{string.Join(", ", regions)}.",
        new Dictionary<string, string>
        {
            ["permission"] = AccessRule.NameOf(permission), ["regions"] = string.Join(',', regions),
        });
}
