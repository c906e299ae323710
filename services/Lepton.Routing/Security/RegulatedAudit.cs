using Grpc.Core;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.V1;
using Lepton.Routing.Decisions;
using Lepton.Routing.Gateway;
using Lepton.ServiceDefaults;
using Reason = Lepton.Routing.V1.ErrorReason;

namespace Lepton.Routing.Security;

/// <summary>
/// Work on regulated classes in the audit log (C4): an event is on the disk before the first byte of a request is
/// forwarded; a second one only when the request does not end well. Refusals by residency likewise, of every class.
/// What an event does not tell the decision does, which it names.
/// </summary>
internal sealed class RegulatedAudit(IAuditLog audit)
{
    private static readonly string[] ByResidency =
    [
        RpcErrors.ReasonOf(Reason.NoRegionAllowed), RpcErrors.ReasonOf(Reason.GatewayNotAllowed),
        RpcErrors.ReasonOf(Reason.TenantUnknown), RpcErrors.ReasonOf(Reason.DataClassUnknown),
        RpcErrors.ReasonOf(Reason.PolicyTooOld),
    ];

    /// <summary>Once a request, whichever of its attempts comes first; false: it must not be forwarded.</summary>
    public Task<bool> PermitAsync(GatewayCall call)
    {
        lock (call)
            return call.Permit ??= WriteAsync(call);
    }

    /// <summary>How a request ended. What is neither regulated nor refused by residency costs a look.</summary>
    public void Ended(HttpContext http, DecisionDraft draft)
    {
        if (draft.StatusCode == (int)StatusCode.OK)
            return;
        bool byResidency = draft.Reason.Length > 0 && Array.IndexOf(ByResidency, draft.Reason) >= 0;
        if (!byResidency && draft.Class is not { Regulated: true })
            return;
        AuditEvent e = Event(http, draft);
        e.Category = byResidency ? AuditCategory.Policy : AuditCategory.Regulated;
        e.Outcome = byResidency || draft.StatusCode == (int)StatusCode.PermissionDenied
            ? AuditOutcome.Denied
            : AuditOutcome.Failed;
        e.Reason = draft.Reason.Length > 0 ? draft.Reason : ((StatusCode)draft.StatusCode).ToString();
        audit.Report(e);
    }

    private async Task<bool> WriteAsync(GatewayCall call)
    {
        AuditEvent e = Event(call.Http, call.Draft);
        e.Category = AuditCategory.Regulated;
        e.Outcome = AuditOutcome.Succeeded; // permitted, and about to be forwarded
        try
        {
            // Not with an attempt's token: the others share this write.
            await audit.WriteAsync(e, call.Cancellation);
            return true;
        }
        catch (AuditUnavailableException)
        {
            return false;
        }
    }

    private static AuditEvent Event(HttpContext http, DecisionDraft draft)
    {
        AuditEvent e = new()
        {
            Action = "inference.GRPCInferenceService/" + draft.Method,
            Actor = new AuditActor
            {
                Principal = draft.Principal,
                Service = draft.Principal.StartsWith("tenant/", StringComparison.Ordinal)
                    || draft.Principal.StartsWith("service/", StringComparison.Ordinal),
                // Another router's address is not that of whoever asked.
                Address = draft.OriginRegion.Length > 0 ? "" : AuditActors.TextOf(http.Connection.RemoteIpAddress),
            },
            Tenant = draft.Tenant,
            Resource = draft.Model.Length > 0 ? "models/" + draft.Model : "",
            DataClass = draft.Class?.Name ?? draft.AskedClass,
            DecisionId = draft.Id,
            PolicyVersion = draft.Policy.VersionText,
        };
        if (draft.OriginRegion.Length > 0)
            e.Details["origin_region"] = draft.OriginRegion;
        return e;
    }
}
