using System.Globalization;
using Google.Protobuf.Collections;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Roles;

/// <summary>What a request's fields take.</summary>
internal static class RoleRequests
{
    private const int RegionsMax = 16, PrincipalMax = 256, EmergencyReasonMin = 10;

    private static readonly TimeSpan AheadMax = TimeSpan.FromDays(366);
    private static readonly TimeSpan EmergencyTimeMin = TimeSpan.FromMinutes(1);

    public static GrantedRole Read(V1.GrantRoleRequest request, Caller caller, DateTimeOffset now)
    {
        if (request.Principal.Length > 0 == request.Tenant.Length > 0)
            throw RpcErrors.FieldInvalid("principal", "takes a principal, or tenant a tenant: one of them");
        if (request.Principal.Length > 0 && !IsPrincipal(request.Principal))
            throw RpcErrors.FieldInvalid("principal",
                $"takes ISSUER/SUBJECT or tenant/T, {PrincipalMax} characters at most");
        if (request.Tenant.Length > 0 && Caller.Parse("spiffe://lepton.local/tenant/" + request.Tenant) is null)
            throw RpcErrors.FieldInvalid("tenant", "takes 1 to 63 of a-z, 0-9, '-' and '_'");
        var notBefore = request.NotBeforeTime?.ToDateTimeOffset();
        var expires = request.ExpireTime?.ToDateTimeOffset();
        if (notBefore > now + AheadMax)
            throw RpcErrors.FieldInvalid("not_before_time", "takes a time at most 366 days ahead");
        if (expires <= now || expires <= notBefore)
            throw RpcErrors.FieldInvalid("expire_time", "takes a time after now and after not_before_time");
        return new GrantedRole
        {
            Id = Id(request.RequestId),
            Principal = request.Principal.Length > 0 ? request.Principal : null,
            Tenant = request.Tenant.Length > 0 ? request.Tenant : null,
            Role = Role(request.Role, ServiceDefaults.Roles.All.Keys),
            Regions = Regions(request.Regions),
            AllTenants = request.AllTenants,
            NotBefore = notBefore > now ? notBefore : null,
            Expires = expires,
            GrantedBy = caller.Principal,
            GrantedFor = caller.Tenant,
            GrantTime = now,
            Reason = Reason(request.Reason),
        };
    }

    public static GrantedRole Read(
        V1.BreakGlassRequest request, Caller caller, DateTimeOffset now, RoleOptions options)
    {
        var duration = request.Duration?.ToTimeSpan() ?? TimeSpan.Zero;
        if (duration < EmergencyTimeMin || duration > options.EmergencyTimeMax)
            throw RpcErrors.FieldInvalid("duration", string.Create(CultureInfo.InvariantCulture,
                $"takes 1 min to {options.EmergencyTimeMax} ({RoleOptions.Section}:EmergencyTimeMax)"));
        return new GrantedRole
        {
            Id = Id(request.RequestId),
            Principal = caller.Principal,
            Role = Role(request.Role, options.Emergency),
            Regions = Regions(request.Regions),
            AllTenants = request.AllTenants,
            Expires = now + duration,
            GrantedBy = caller.Principal,
            GrantedFor = caller.Tenant,
            GrantTime = now,
            Reason = Reason(request.Reason, EmergencyReasonMin),
            Emergency = true,
        };
    }

    public static string Reason(string text, int min = 1) =>
        text.Trim().Length >= min && text.Length <= RolesDocument.ReasonLengthMax && !text.Any(char.IsControl)
            ? text.Trim()
            : throw RpcErrors.FieldInvalid(
                "reason", $"takes {min} to {RolesDocument.ReasonLengthMax} characters that say why");

    public static string AssignmentId(string text) => text.Length is > 0 and <= 64
        ? text
        : throw RpcErrors.FieldInvalid("assignment_id", "takes the assignment_id of an assignment");

    /// <summary>How many, and after which id.</summary>
    public static (int Size, string After) Page(int size, string token)
    {
        const int Max = 1000, Default = 100;
        if (size is < 0 or > Max)
            throw RpcErrors.FieldInvalid("page_size", $"takes 1 to {Max}; 0 means {Default}");
        if (token.Length > 64)
            throw RpcErrors.FieldInvalid("page_token", "takes the next_page_token of the page before");
        return (size == 0 ? Default : size, token);
    }

    public static string Region(string name) => AccessDocument.RegionName.IsMatch(name)
        ? name
        : throw RpcErrors.FieldInvalid("region", "takes a region's name, e.g. eu-west");

    private static string Id(string requestId) => requestId.Length == 0
        ? Guid.CreateVersion7().ToString("D")
        : Guid.TryParseExact(requestId, "D", out var id)
            ? id.ToString("D")
            : throw RpcErrors.FieldInvalid("request_id", "takes a UUID, or nothing");

    private static string Role(string name, IEnumerable<string> among) => among.Contains(name)
        ? name
        : throw RpcErrors.FieldInvalid("role", $"takes one of {string.Join(", ", among.Order())}");

    private static IReadOnlyList<string> Regions(RepeatedField<string> names) =>
        names.Count is > 0 and <= RegionsMax && names.All(n => n == "*" || AccessDocument.RegionName.IsMatch(n))
            && (names.Count == 1 || !names.Contains("*"))
            ? [.. names.Distinct().Order(StringComparer.Ordinal)]
            : throw RpcErrors.FieldInvalid("regions", $"takes 1 to {RegionsMax} names of regions, or '*' alone");

    private static bool IsPrincipal(string text) => text.Length <= PrincipalMax && !text.Any(char.IsControl)
        && !text.StartsWith("service/", StringComparison.Ordinal)
        && text.IndexOf('/', StringComparison.Ordinal) is > 0 and var at && at < text.Length - 1;
}
