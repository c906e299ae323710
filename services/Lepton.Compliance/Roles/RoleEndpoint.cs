using Grpc.Core;
using Lepton.Platform.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Roles;

/// <summary>RoleService: wire types in and out, one call of the book, and what is written of it.</summary>
internal sealed partial class RoleEndpoint(
    RoleRecord record, AccessFile access, RoleAudit audit, RoleMetrics metrics, IOptions<RoleOptions> options,
    TimeProvider time, ILogger<RoleEndpoint> logger) : V1.RoleService.RoleServiceBase
{
    public override async Task<V1.GrantRoleResponse> GrantRole(
        V1.GrantRoleRequest request, ServerCallContext context)
    {
        var wanted = RoleRequests.Read(request, context.GetCaller(), time.GetUtcNow());
        return new() { Assignment = await ChangeAsync("grant", $"roles/{wanted.Id}", context,
            (book, actor) => book.Grant(actor, wanted)) };
    }

    public override async Task<V1.ApproveRoleResponse> ApproveRole(
        V1.ApproveRoleRequest request, ServerCallContext context)
    {
        var id = RoleRequests.AssignmentId(request.AssignmentId);
        return new() { Assignment = await ChangeAsync("approve", $"roles/{id}", context,
            (book, actor) => book.Approve(actor, id)) };
    }

    public override async Task<V1.RevokeRoleResponse> RevokeRole(
        V1.RevokeRoleRequest request, ServerCallContext context)
    {
        var id = RoleRequests.AssignmentId(request.AssignmentId);
        RoleRequests.Reason(request.Reason);
        return new() { Assignment = await ChangeAsync("revoke", $"roles/{id}", context,
            (book, actor) => book.Revoke(actor, id) switch
            {
                // What is written says why it was taken away.
                RoleOutcome.Changed c => c with { Role = c.Role with { Reason = request.Reason.Trim() } },
                var other => other,
            }) };
    }

    public override async Task<V1.BreakGlassResponse> BreakGlass(
        V1.BreakGlassRequest request, ServerCallContext context)
    {
        var wanted = RoleRequests.Read(request, context.GetCaller(), time.GetUtcNow(), options.Value);
        return new() { Assignment = await ChangeAsync("break_glass", $"roles/{wanted.Id}", context,
            (book, actor) => book.BreakGlass(actor, wanted)) };
    }

    public override Task<V1.ListAssignmentsResponse> ListAssignments(
        V1.ListAssignmentsRequest request, ServerCallContext context)
    {
        var (size, after) = RoleRequests.Page(request.PageSize, request.PageToken);
        var region = request.Region.Length > 0 ? RoleRequests.Region(request.Region) : "";
        var snapshot = access.Current;
        V1.Assignment[] page =
        [
            .. RoleViews.All(snapshot, time.GetUtcNow()).Where(Visible(context, snapshot))
                .Where(a => (request.Principal.Length == 0 || a.Principal == request.Principal)
                    && (request.Tenant.Length == 0 || a.Tenant == request.Tenant)
                    && (request.Role.Length == 0 || a.Role == request.Role)
                    && (region.Length == 0 || a.Regions.Contains("*") || a.Regions.Contains(region))
                    && (request.State == V1.AssignmentState.Unspecified || a.State == request.State)
                    && string.CompareOrdinal(a.AssignmentId, after) > 0)
                .Take(size + 1),
        ];
        return Task.FromResult(new V1.ListAssignmentsResponse
        {
            Assignments = { page.Take(size) }, Version = snapshot.Granted.Version,
            NextPageToken = page.Length > size ? page[size - 1].AssignmentId : "",
        });
    }

    public override Task<V1.WhoCanResponse> WhoCan(V1.WhoCanRequest request, ServerCallContext context)
    {
        var (size, after) = RoleRequests.Page(request.PageSize, request.PageToken);
        if (request.Permission == Permission.Unspecified || !Enum.IsDefined(request.Permission))
            throw RpcErrors.FieldInvalid("permission", "takes a permission");
        var region = RoleRequests.Region(request.Region);
        var snapshot = access.Current;
        var visible = Visible(context, snapshot);
        V1.Holder[] page =
        [
            .. RoleViews.WhoCan(snapshot, time.GetUtcNow(), request.Permission, region, request.Tenant)
                .Where(h => visible(h.Assignment) && string.CompareOrdinal(h.Assignment.AssignmentId, after) > 0)
                .Take(size + 1),
        ];
        return Task.FromResult(new V1.WhoCanResponse
        {
            Holders = { page.Take(size) }, Version = snapshot.Granted.Version,
            NextPageToken = page.Length > size ? page[size - 1].Assignment.AssignmentId : "",
        });
    }

    private static Func<V1.Assignment, bool> Visible(ServerCallContext context, AccessSnapshot snapshot)
    {
        var caller = context.GetCaller();
        return snapshot.GrantsOf(caller).AllTenants.Has(Permission.RolesRead)
            ? _ => true
            : a => a.Principal == caller.Principal || a.Tenant == caller.Tenant || a.Tenant == "*";
    }

    private async Task<V1.Assignment> ChangeAsync(
        string action, string resource, ServerCallContext context, Func<RoleBook, RoleActor, RoleOutcome> decide)
    {
        var caller = context.GetCaller();
        try
        {
            var outcome = await record.ChangeAsync(
                book => decide(book, RoleActor.Of(caller, access.Current)),
                (changed, token) => audit.RequestedAsync(action, context, changed.Role, changed.Next.Version, token),
                context.CancellationToken);
            var role = outcome switch
            {
                RoleOutcome.Changed changed => changed.Role,
                RoleOutcome.Same same => same.Role,
                RoleOutcome.Refused refused => throw RoleErrors.Of(refused),
                _ => throw new InvalidOperationException($"{outcome} is no outcome of a change."),
            };
            metrics.Changed(action, outcome is RoleOutcome.Changed ? "done" : "same");
            if (outcome is RoleOutcome.Changed)
            {
                audit.Done(action, context, role);
                LogChanged(caller.Principal, action, role.Role, role.Id);
                if (action == "break_glass")
                {
                    metrics.Emergency(role.Role);
                    LogEmergency(caller.Principal, role.Role, string.Join(", ", role.Regions), role.Expires);
                }
            }
            return RoleViews.Wire(role, time.GetUtcNow());
        }
        catch (Exception e) when ((e as RpcException ?? RoleErrors.Of(e)) is { } error)
        {
            metrics.Changed(action, RpcErrors.ReasonOf(error) ?? "");
            audit.Refused(action, context, resource, error);
            throw error;
        }
    }

    [LoggerMessage(LogLevel.Information, "{Principal}: {Action} of role {Role}, assignment {Id}")]
    private partial void LogChanged(string principal, string action, string role, string id);

    [LoggerMessage(LogLevel.Warning,
        "ALERT: {Principal} took the role {Role} in an emergency, in {Regions} until {Until:u}")]
    private partial void LogEmergency(string principal, string role, string regions, DateTimeOffset? until);
}
