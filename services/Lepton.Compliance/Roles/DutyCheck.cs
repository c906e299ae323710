using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Roles;

/// <summary>
/// Separation of duties: what the access document keeps apart must not come together in one hand by two assignments in
/// one region. A role that holds both by itself breaks nothing: whoever is to prevent that names the role.
/// </summary>
internal static class DutyCheck
{
    /// <summary>The rule that a new assignment would break, and the assignment in the way; null: none.</summary>
    /// <param name="rules">The access document's.</param>
    /// <param name="fresh">To be added.</param>
    /// <param name="others">Those there are: in force, and to come.</param>
    /// <param name="now">What has ended by then is in nobody's way.</param>
    public static (AccessDocument.DutyRule Rule, AccessDocument.Assignment With)? Conflict(
        IEnumerable<AccessDocument.DutyRule> rules, AccessDocument.Assignment fresh,
        IEnumerable<AccessDocument.Assignment> others, DateTimeOffset now)
    {
        AccessDocument.Assignment[] near =
        [
            .. others.Where(o => o.Id != fresh.Id && !o.IsEmergency && !(o.Expires <= now) && AreOfOneHand(fresh, o)
                && Meet(fresh.Regions, o.Regions) && Meet(fresh, o)),
        ];
        foreach (var rule in rules)
        {
            var mine = Sides(rule, fresh);
            foreach (var other in near)
            {
                var theirs = Sides(rule, other);
                // Something that neither holds alone.
                if (mine.Any(a => theirs.Any(b => a != b && !theirs.Contains(a) && !mine.Contains(b))))
                    return (rule, other);
            }
        }
        return null;
    }

    private static string[] Sides(AccessDocument.DutyRule rule, AccessDocument.Assignment assignment) =>
    [
        .. rule.Apart.Where(side => side == assignment.Role
            || (ServiceDefaults.Roles.Find(side) is { } p && ServiceDefaults.Roles.All[assignment.Role].Has(p))),
    ];

    // Which persons act for a tenant is the issuer's knowledge: of a person and a tenant nothing can be said here.
    private static bool AreOfOneHand(AccessDocument.Assignment a, AccessDocument.Assignment b) =>
        a.Tenant == "*" || b.Tenant == "*" || Hand(a) == Hand(b);

    private static string Hand(AccessDocument.Assignment a) => a.Principal ?? $"tenant/{a.Tenant}";

    private static bool Meet(IReadOnlyList<string> a, IReadOnlyList<string> b) =>
        a.Contains("*") || b.Contains("*") || a.Intersect(b).Any();

    private static bool Meet(AccessDocument.Assignment a, AccessDocument.Assignment b) =>
        !(a.Expires <= b.NotBefore) && !(b.Expires <= a.NotBefore);
}
