using Grpc.Core;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Policies;

/// <summary>
/// What is done to policies, in the audit log (C4): that it is about to be done before it is, and how it ended after.
/// </summary>
/// <param name="log">Null: this process has none, and then nothing that manages is done.</param>
/// <param name="metrics">Counts them.</param>
internal sealed class PolicyAudit(IAuditLog? log, PolicyMetrics metrics)
{
    /// <summary>Does it between the two events; a refusal is one too.</summary>
    /// <param name="caller">Who.</param>
    /// <param name="action">For instance <c>policy.approve</c>.</param>
    /// <param name="resource">For instance <c>policies/12</c>.</param>
    /// <param name="details">Nothing personal.</param>
    /// <param name="work">What is done.</param>
    /// <param name="cancellationToken">Of the call.</param>
    /// <exception cref="RpcException">AUDIT_UNAVAILABLE: nothing was done; else what the work threw.</exception>
    public async Task<T> AroundAsync<T>(
        Caller caller, string action, string resource, IReadOnlyDictionary<string, string> details,
        Func<Task<T>> work, CancellationToken cancellationToken)
    {
        if (log is null)
            throw PolicyErrors.AuditUnavailable("this process has no audit log.");
        var begun = Event(caller, action, resource, details);
        begun.Details["phase"] = "begun";
        begun.Outcome = AuditOutcome.Succeeded;
        try
        {
            await log.WriteAsync(begun, cancellationToken);
        }
        catch (AuditUnavailableException e)
        {
            throw PolicyErrors.AuditUnavailable(e.Message);
        }
        var ended = Event(caller, action, resource, details);
        ended.Details["phase"] = "ended";
        try
        {
            var done = await work();
            ended.Outcome = AuditOutcome.Succeeded;
            return done;
        }
        catch (RpcException e)
        {
            ended.Outcome = e.StatusCode is StatusCode.PermissionDenied or StatusCode.FailedPrecondition
                ? AuditOutcome.Denied : AuditOutcome.Failed;
            ended.Reason = RpcErrors.ReasonOf(e) ?? "";
            ended.Message = e.Status.Detail;
            throw;
        }
        catch (Exception e)
        {
            ended.Outcome = AuditOutcome.Failed;
            ended.Message = e.GetType().Name;
            throw;
        }
        finally
        {
            metrics.Changed(action, ended.Outcome.ToString().ToLowerInvariant());
            log.Report(ended); // that it began is on disk: what could not be told of its end shows as that
        }
    }

    private static AuditEvent Event(
        Caller caller, string action, string resource, IReadOnlyDictionary<string, string> details)
    {
        AuditEvent made = new()
        {
            Category = AuditCategory.Policy, Action = action, Resource = resource, Tenant = caller.Tenant,
            Actor = new AuditActor
            {
                Principal = caller.Principal, Service = caller.Kind == CallerKind.Service,
            },
        };
        foreach (var (name, value) in details)
            made.Details[name] = value;
        return made;
    }
}
