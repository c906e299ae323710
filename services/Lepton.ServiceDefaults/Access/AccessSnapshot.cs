using System.Collections.Frozen;
using Lepton.Platform.V1;

namespace Lepton.ServiceDefaults;

/// <summary>Who may do what in one region: the access file, made ready for look-ups that allocate nothing.</summary>
public sealed class AccessSnapshot
{
    private const string Any = "*";

    private readonly string _region;
    private readonly FrozenDictionary<string, Grants> _principals;
    private readonly FrozenDictionary<string, Grants> _tenants;
    private readonly FrozenDictionary<string, TenantTerms> _terms;
    private readonly Grants _anyTenant;
    private readonly ILookup<string, AccessDocument.Assignment> _ofPrincipal, _ofTenant;

    /// <summary>What the documents say of this region at one time.</summary>
    /// <param name="document">The access document.</param>
    /// <param name="region">Where.</param>
    /// <param name="granted">What was granted by call; none by default.</param>
    /// <param name="now">The time; the beginning of time by default.</param>
    public AccessSnapshot(
        AccessDocument document, string region, RolesDocument? granted = null, DateTimeOffset now = default)
    {
        ArgumentNullException.ThrowIfNull(document);
        (Document, Granted, _region) = (document, granted ?? RolesDocument.None, region);
        AccessDocument.Assignment[] all = [.. AllOf(document, Granted)];
        ChangesAt = all.SelectMany(a => (DateTimeOffset?[])[a.NotBefore, a.Expires])
            .Where(at => at > now).Min() ?? DateTimeOffset.MaxValue;
        Assignments = [.. all.Where(a => a.HoldsAt(now))];
        Emergencies = Assignments.Count(a => a.IsEmergency && a.HoldsIn(region));
        _ofPrincipal = Assignments.Where(a => a.Principal is not null)
            .ToLookup(a => a.Principal ?? "", StringComparer.Ordinal);
        _ofTenant = Assignments.Where(a => a.Tenant is not null)
            .ToLookup(a => a.Tenant ?? "", StringComparer.Ordinal);
        _principals = _ofPrincipal.ToFrozenDictionary(a => a.Key, a => Grants.Of(a, region), StringComparer.Ordinal);
        _tenants = _ofTenant.ToFrozenDictionary(a => a.Key, a => Grants.Of(a, region), StringComparer.Ordinal);
        _anyTenant = _tenants.GetValueOrDefault(Any);
        _terms = document.Tenants.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>The access document's version.</summary>
    public long Version => Document.Version;

    /// <summary>The access document.</summary>
    public AccessDocument Document { get; }

    /// <summary>What was granted by call.</summary>
    public RolesDocument Granted { get; }

    /// <summary>What holds, in any region.</summary>
    public IReadOnlyList<AccessDocument.Assignment> Assignments { get; }

    /// <summary>Until when this is so by itself: the next assignment begins or ends then.</summary>
    public DateTimeOffset ChangesAt { get; }

    /// <summary>Emergency roles that hold in this region.</summary>
    public int Emergencies { get; }

    /// <summary>
    /// What both say, whatever the time: the access document's without those that are withdrawn, and what was granted
    /// and waits for nobody. A role of admin in the access document is never withdrawn: it is the owner's way in.
    /// </summary>
    public static IEnumerable<AccessDocument.Assignment> AllOf(AccessDocument document, RolesDocument granted)
    {
        ArgumentNullException.ThrowIfNull(document);
        ArgumentNullException.ThrowIfNull(granted);
        var withdrawn = granted.Withdrawn.ToHashSet(StringComparer.Ordinal);
        return document.Assignments
            .Where(a => withdrawn.Count == 0 || IsProtected(a) || !withdrawn.Contains(a.Id))
            .Concat(granted.Assignments.Where(g => !g.Pending).Select(g => g.Assignment));
    }

    /// <summary>An assignment of the access document that no call takes away.</summary>
    public static bool IsProtected(AccessDocument.Assignment seed)
    {
        ArgumentNullException.ThrowIfNull(seed);
        return seed.Role == "admin";
    }

    /// <summary>What the caller's roles hold in this region. A service of Lepton's has no roles.</summary>
    public Grants GrantsOf(Caller caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        if (caller.Kind == CallerKind.Service)
            return default;
        _principals.TryGetValue(caller.Principal, out var own);
        _tenants.TryGetValue(caller.Tenant, out var tenant);
        return own.With(tenant).With(_anyTenant);
    }

    /// <summary>What the tenant may ask for.</summary>
    public TenantTerms TermsOf(string tenant) => _terms.GetValueOrDefault(tenant, TenantTerms.Default);

    /// <summary>The caller's roles in every region.</summary>
    public IEnumerable<AccessDocument.Assignment> RolesOf(Caller caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return caller.Kind == CallerKind.Service
            ? []
            : _ofPrincipal[caller.Principal].Concat(_ofTenant[caller.Tenant]).Concat(_ofTenant[Any]);
    }

    /// <summary>May the caller make a call that this rule stands for?</summary>
    public bool Allows(Caller caller, AccessRule rule)
    {
        ArgumentNullException.ThrowIfNull(caller);
        ArgumentNullException.ThrowIfNull(rule);
        return rule.Anyone
            || (caller.Kind == CallerKind.Service
                ? rule.AllowsService(caller.Service)
                : GrantsOf(caller).Own.Has(rule.Permission));
    }

    /// <summary>Why not, for the caller: what is missing here and where it is held.</summary>
    internal string Missing(Caller caller, AccessRule rule)
    {
        if (rule.Permission == Permission.Unspecified)
            return "Only services of Lepton's may call it.";
        if (caller.Kind == CallerKind.Service)
            return $"Service {caller.Service} has no business with it.";
        string[] elsewhere =
        [
            .. RolesOf(caller).Where(a => Roles.All[a.Role].Has(rule.Permission)).SelectMany(a => a.Regions)
                .Distinct().Order(StringComparer.Ordinal),
        ];
        return $"It takes the permission {AccessRule.NameOf(rule.Permission)} in {_region}; {caller.Principal} "
            + (elsewhere.Length == 0 ? "holds it nowhere." : $"holds it in {string.Join(", ", elsewhere)}.");
    }
}

/// <summary>What a caller's roles hold in one region.</summary>
/// <param name="Own">For what belongs to the caller's tenant, and to none.</param>
/// <param name="AllTenants">For what belongs to any tenant.</param>
public readonly record struct Grants(PermissionSet Own, PermissionSet AllTenants)
{
    internal static Grants Of(IEnumerable<AccessDocument.Assignment> assignments, string region)
    {
        Grants grants = default;
        foreach (var assignment in assignments.Where(a => a.HoldsIn(region)))
        {
            var held = Roles.All[assignment.Role];
            grants = grants.With(new Grants(held, assignment.AllTenants ? held : default));
        }
        return grants;
    }

    internal Grants With(Grants other) => new(Own.With(other.Own), AllTenants.With(other.AllTenants));
}
