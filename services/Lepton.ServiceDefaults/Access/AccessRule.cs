using Lepton.Platform.V1;

namespace Lepton.ServiceDefaults;

/// <summary>Who may make one call.</summary>
public sealed class AccessRule
{
    private readonly string[] _services;

    private AccessRule(Permission permission, bool anyone, IEnumerable<string> services) =>
        (Permission, Anyone, _services) = (permission, anyone, [.. services]);

    private AccessRule(AccessRule other, RequestText resource, RequestText subject)
        : this(other.Permission, other.Anyone, other._services) => (Resource, Subject) = (resource, subject);

    /// <summary>Whoever can be named.</summary>
    public static AccessRule ForAnyone { get; } = new(Permission.Unspecified, true, []);

    /// <summary>What a role must hold; UNSPECIFIED: no role suffices.</summary>
    public Permission Permission { get; }

    /// <summary>Whoever can be named may call.</summary>
    public bool Anyone { get; }

    /// <summary>What a call is about, for the audit log.</summary>
    public RequestText Resource { get; } = RequestText.Empty;

    /// <summary>The data subject whom a call concerns, for the audit log.</summary>
    public RequestText Subject { get; } = RequestText.Empty;

    /// <summary>It changes what others rely on.</summary>
    public bool IsManagement => Permission is Permission.ModelsManage or Permission.NodesManage
        or Permission.CostsManage or Permission.RolesManage or Permission.RecordsManage or Permission.SubjectsManage
        or Permission.AuditManage or Permission.BreakGlass;

    /// <summary>Who has a role with this permission, and these services.</summary>
    public static AccessRule For(Permission permission, params ReadOnlySpan<string> services) =>
        new(permission, false, services.ToArray());

    /// <summary>These services of Lepton's and nobody else; <c>*</c>: each.</summary>
    public static AccessRule ForServices(params ReadOnlySpan<string> services) =>
        new(Permission.Unspecified, false, services.ToArray());

    /// <summary>A permission as it is written in files and messages: NODES_MANAGE.</summary>
    public static string NameOf(Permission permission) => string.Concat(permission.ToString()
        .Select((c, i) => i > 0 && char.IsUpper(c) ? "_" + c : char.ToUpperInvariant(c).ToString()));

    /// <summary>The same for calls about this: words, and fields of the request in braces.</summary>
    public AccessRule About(string resource) => new(this, RequestText.Parse(resource), Subject);

    internal static AccessRule Of(Access access) => new(
        new AccessRule(access.Permission, access.Anyone, access.Services),
        RequestText.Parse(access.Resource), RequestText.Parse(access.Subject));

    internal bool AllowsService(string service) =>
        Array.IndexOf(_services, service) >= 0 || Array.IndexOf(_services, "*") >= 0;
}
