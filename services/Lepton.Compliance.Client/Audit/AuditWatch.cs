using System.Globalization;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Client.Audit;

/// <summary>
/// Who came to this process' door, who was not let in, and who may not do what he asked for, as the audit log has it
/// (C4). Told once a connection and token or certificate; nothing waits for it.
/// </summary>
internal sealed class AuditWatch(
    IAuditLog audit, AuditMetrics metrics, IOptions<AuditOptions> options, TimeProvider time) : ICallerWatch
{
    /// <summary>The action of who was named, or was not.</summary>
    public const string Authenticate = "caller.authenticate";

    /// <summary>The action that tells how many events of the door there was no room for.</summary>
    public const string Suppressed = "caller.suppressed";

    private readonly DoorBudget _budget = new(options.Value.DoorEventsMax, time);

    public DateTimeOffset? LockedUntil(Caller caller) => null;

    public void Named(in CallerSight sight) =>
        Tell(sight, AuditCategory.Authentication, Authenticate, AuditOutcome.Succeeded, "");

    public void Refused(in CallerSight sight) =>
        Tell(sight, AuditCategory.Authentication, Authenticate, AuditOutcome.Failed, "");

    public void Denied(in CallerSight sight, string permission) => Tell(
        sight, AuditCategory.Authorisation, AuditActors.ActionOf(sight.Path), AuditOutcome.Denied, permission);

    public void Unserved(in CallerSight sight) => Tell(
        sight, AuditCategory.Management, AuditActors.ActionOf(sight.Path), AuditOutcome.Failed, "");

    private void Tell(
        in CallerSight sight, AuditCategory category, string action, AuditOutcome outcome, string permission)
    {
        bool told = _budget.TryTake(out long suppressed);
        if (suppressed > 0)
            audit.Report(new AuditEvent
            {
                Category = AuditCategory.Security, Action = Suppressed, Outcome = AuditOutcome.Failed,
                Details = { ["events"] = suppressed.ToString(CultureInfo.InvariantCulture) },
            });
        if (!told)
        {
            metrics.Dropped("door", 1);
            return;
        }
        AuditEvent e = new()
        {
            Category = category, Action = action, Outcome = outcome, Reason = sight.Reason,
            Actor = AuditActors.Of(sight), Tenant = sight.Caller?.Tenant ?? "",
        };
        if (category == AuditCategory.Authentication && outcome == AuditOutcome.Succeeded)
            e.Details["by"] = sight.Token is not null ? "token" : "certificate";
        if (permission.Length > 0)
            e.Details["permission"] = permission;
        audit.Report(e);
    }
}
