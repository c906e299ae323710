using Grpc.Core;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Logging;
using PlatformReason = Lepton.Platform.V1.ErrorReason;

namespace Lepton.Compliance.Client.Audit;

/// <summary>
/// Management in the audit log (C4): an event before the call is done, which says that it begins, and one after it with
/// its end, whose detail <c>begun</c> names the first. Who finds a first one alone knows that it may have been done.
/// </summary>
internal sealed partial class ManagementAudit(IAuditLog audit, TimeProvider time, ILogger<ManagementAudit> logger)
    : IManagementLog
{
    /// <summary>The reason of the first event.</summary>
    public const string UnderWay = "UNDER_WAY";

    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    public async ValueTask<string> BeginAsync(
        ManagementCall managed, string resource, string subject, CancellationToken cancellationToken)
    {
        AuditEvent begun = Event(managed, resource, subject);
        begun.Id = Guid.CreateVersion7(time.GetUtcNow()).ToString("N");
        begun.Outcome = AuditOutcome.Failed; // not known to be done
        begun.Reason = UnderWay;
        try
        {
            await audit.WriteAsync(begun, cancellationToken);
            return begun.Id;
        }
        catch (AuditUnavailableException)
        {
            throw RpcErrors.Create(StatusCode.Unavailable, PlatformReason.AuditUnavailable,
                "This is written to the audit log before it is done, and that cannot be kept now: nothing was done.",
                null, RpcErrors.RetryAfter(RetryDelay));
        }
        catch (OperationCanceledException)
        {
            throw RpcErrors.Create(StatusCode.Cancelled, PlatformReason.Cancelled, "The caller cancelled.");
        }
    }

    public async ValueTask EndAsync(
        ManagementCall managed, string resource, string subject, string begun, RpcException? failure)
    {
        AuditEvent ended = Event(managed, resource, subject);
        ended.Details["begun"] = begun;
        ended.Outcome = failure is null ? AuditOutcome.Succeeded
            : failure.StatusCode == StatusCode.PermissionDenied ? AuditOutcome.Denied
            : AuditOutcome.Failed;
        if (failure is not null)
            ended.Reason = RpcErrors.ReasonOf(failure) ?? failure.StatusCode.ToString();
        try
        {
            // The caller may be gone; what was done is written down all the same.
            await audit.WriteAsync(ended, CancellationToken.None);
        }
        catch (AuditUnavailableException e)
        {
            LogEndLost(e, ended.Action, begun);
        }
    }

    private static AuditEvent Event(ManagementCall call, string resource, string subject) => new()
    {
        Category = AuditCategory.Management,
        Action = AuditActors.ActionOf(call.Sight.Path),
        Actor = AuditActors.Of(call.Sight),
        Tenant = call.Sight.Caller?.Tenant ?? "",
        Resource = resource,
        Subject = subject,
        Details = { ["permission"] = AccessRule.NameOf(call.Rule.Permission) },
    };

    [LoggerMessage(LogLevel.Error, "The end of {Action}, begun as event {Begun}, could not be kept for the audit log")]
    private partial void LogEndLost(Exception e, string action, string begun);
}
