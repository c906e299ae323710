using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Compliance.Client.Audit;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Roles;

/// <summary>
/// What is written to the audit log of a change of roles: that it was asked for, before anything is done, and how it
/// ended. Where there is no audit log nothing is done.
/// </summary>
internal sealed class RoleAudit(TimeProvider time, IAuditLog? log)
{
    /// <summary>It will be done now.</summary>
    /// <exception cref="AuditUnavailableException">It must not be done.</exception>
    public ValueTask RequestedAsync(
        string action, ServerCallContext context, GrantedRole role, long version, CancellationToken cancellation) =>
        log?.WriteAsync(Event($"roles.{action}.requested", V1.AuditOutcome.Succeeded, context, role, version),
            cancellation) ?? throw new AuditUnavailableException("This process has no audit log.");

    /// <summary>It is done, or was so already.</summary>
    public void Done(string action, ServerCallContext context, GrantedRole role)
    {
        log?.Report(Event($"roles.{action}", V1.AuditOutcome.Succeeded, context, role));
        if (!role.Emergency || action != "break_glass")
            return;
        var alert = Event("roles.emergency", V1.AuditOutcome.Succeeded, context, role);
        alert.Category = V1.AuditCategory.Security;
        alert.Message = $"{role.Principal} took the role {role.Role} in an emergency: {role.Reason}";
        log?.Report(alert);
    }

    /// <summary>It was refused, or failed.</summary>
    public void Refused(string action, ServerCallContext context, string resource, RpcException why) =>
        log?.Report(Event($"roles.{action}",
            why.StatusCode is StatusCode.Unavailable or StatusCode.Internal or StatusCode.ResourceExhausted
                ? V1.AuditOutcome.Failed : V1.AuditOutcome.Denied,
            context, null, 0, resource, RpcErrors.ReasonOf(why) ?? "", why.Status.Detail));

    private V1.AuditEvent Event(
        string action, V1.AuditOutcome outcome, ServerCallContext context, GrantedRole? role, long version = 0,
        string resource = "", string reason = "", string message = "")
    {
        var caller = context.GetCaller();
        V1.AuditEvent written = new()
        {
            Id = Guid.CreateVersion7(time.GetUtcNow()).ToString("N"),
            EventTime = time.GetUtcNow().ToTimestamp(),
            Category = V1.AuditCategory.Management,
            Action = action,
            Outcome = outcome,
            Reason = reason,
            Message = message.Length > 1000 ? message[..1000] : message,
            Tenant = caller.Tenant,
            Resource = role is null ? resource : $"roles/{role.Id}",
            Actor = new V1.AuditActor
            {
                Principal = caller.Principal,
                Service = caller.Kind == CallerKind.Service,
                Address = context.GetHttpContext().Connection.RemoteIpAddress?.ToString() ?? "",
            },
        };
        if (role is null)
            return written;
        written.Subject = role.Principal ?? ""; // a person's name is personal, and goes where it can be erased
        written.Details.Add("role", role.Role);
        written.Details.Add("regions", string.Join(',', role.Regions));
        written.Details.Add("all_tenants", role.AllTenants ? "true" : "false");
        written.Details.Add("pending", role.Pending ? "true" : "false");
        if (role.Tenant is { } tenant)
            written.Details.Add("for_tenant", tenant);
        if (role.Expires is { } expires)
            written.Details.Add("expires", expires.ToString("O"));
        if (version > 0)
            written.Details.Add("version", $"{version}");
        written.Message = role.Reason;
        return written;
    }
}
