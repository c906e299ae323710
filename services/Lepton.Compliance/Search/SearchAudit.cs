using System.Globalization;
using Grpc.Core;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Search;

/// <summary>Who read or exported what: the log's readers are in the log.</summary>
internal sealed class SearchAudit(IAuditLog? log)
{
    /// <summary>A search was answered.</summary>
    public void Searched(ServerCallContext context, AuditFilter filter, int found) =>
        log?.Report(Event("audit.search", context, filter, ("entries", $"{found}")));

    /// <summary>An export begins now.</summary>
    /// <exception cref="AuditUnavailableException">It must not.</exception>
    public ValueTask ExportsAsync(
        ServerCallContext context, AuditFilter filter, string format, CancellationToken cancellationToken) =>
        log?.WriteAsync(Event("audit.export.requested", context, filter, ("format", format)), cancellationToken)
            ?? throw new AuditUnavailableException("This process has no audit log.");

    /// <summary>An export ended.</summary>
    public void Exported(
        ServerCallContext context, AuditFilter filter, string format, long entries, long size, string? error)
    {
        var ended = Event("audit.export", context, filter, ("format", format),
            ("entries", entries.ToString(CultureInfo.InvariantCulture)),
            ("head_size", size.ToString(CultureInfo.InvariantCulture)));
        if (error is not null)
            (ended.Outcome, ended.Reason) = (AuditOutcome.Failed, error);
        log?.Report(ended);
    }

    /// <summary>It was refused.</summary>
    public void Refused(ServerCallContext context, AuditFilter filter, string action, RpcException why)
    {
        var refused = Event(action, context, filter);
        (refused.Outcome, refused.Reason) = (AuditOutcome.Denied, RpcErrors.ReasonOf(why) ?? "");
        log?.Report(refused);
    }

    private static AuditEvent Event(
        string action, ServerCallContext context, AuditFilter filter, params ReadOnlySpan<(string, string)> more)
    {
        var caller = context.GetCaller();
        AuditEvent made = new()
        {
            Category = AuditCategory.Audit,
            Action = action,
            Outcome = AuditOutcome.Succeeded,
            Tenant = caller.Tenant,
            Resource = "audit",
            // Whom somebody looked for is personal: it goes where it can be erased.
            Subject = filter.Subject.Length > 0 ? filter.Subject : filter.Actor,
            Actor = new AuditActor
            {
                Principal = caller.Principal, Service = caller.Kind == CallerKind.Service,
                Address = context.GetHttpContext().Connection.RemoteIpAddress?.ToString() ?? "",
            },
        };
        Add("filter.tenant", filter.Tenant);
        Add("filter.resource", filter.Resource);
        Add("filter.action", filter.Action);
        Add("filter.category", filter.Category == 0 ? "" : filter.Category.ToString());
        Add("filter.outcome", filter.Outcome == 0 ? "" : filter.Outcome.ToString());
        Add("filter.service", filter.Service);
        Add("filter.decision_id", filter.DecisionId);
        Add("filter.trace_id", filter.TraceId);
        Add("filter.from_time", filter.FromTime?.ToDateTimeOffset().ToString("O", CultureInfo.InvariantCulture) ?? "");
        Add("filter.to_time", filter.ToTime?.ToDateTimeOffset().ToString("O", CultureInfo.InvariantCulture) ?? "");
        Add("filter.text", filter.Text.Length > 0 ? "given" : ""); // may be a name
        foreach (var (name, value) in more)
            Add(name, value);
        return made;

        void Add(string name, string value)
        {
            if (value.Length > 0)
                made.Details[name] = value;
        }
    }
}
