using Grpc.Core;
using Lepton.Compliance.Audit.Copies;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.Audit.Storage;
using Lepton.Platform.V1;
using Lepton.ServiceDefaults;
using Reason = Lepton.Compliance.V1.ErrorReason;

namespace Lepton.Compliance.Audit;

/// <summary>Every RpcException that the audit log makes.</summary>
internal static class AuditErrors
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    public static RpcException FieldInvalid(string field, string takes) => RpcErrors.FieldInvalid(field, takes);

    public static RpcException HeadUnknown() => RpcErrors.Create(
        StatusCode.NotFound, Reason.HeadUnknown, "There is no such head, or not yet: ListTreeHeads lists them.");

    public static RpcException EntryUnknown() => RpcErrors.Create(
        StatusCode.NotFound, Reason.EntryUnknown, "There is no such entry of yours.");

    public static RpcException ErasureUnknown(string id) => RpcErrors.Create(
        StatusCode.NotFound, Reason.AuditErasureUnknown, $"This service has ordered no erasure {id}.");

    public static RpcException HoldUnknown(string id) => RpcErrors.Create(
        StatusCode.NotFound, Reason.HoldUnknown, $"There is no hold {id}.");

    public static RpcException TenantNotAllowed(Caller caller, string tenant, Permission permission) =>
        RpcErrors.Create(StatusCode.PermissionDenied, Platform.V1.ErrorReason.CallerNotAllowed,
            $"{caller.Principal} may not act for {(tenant.Length == 0 ? "every tenant" : "tenant " + tenant)}: that "
            + $"takes {AccessRule.NameOf(permission)} for all tenants.",
            new Dictionary<string, string>
            {
                ["caller"] = caller.Principal, ["permission"] = AccessRule.NameOf(permission),
            });

    /// <summary>Runs a call; what fails in the log's own dependencies gets its status.</summary>
    public static async Task<T> MapAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (Exception e) when (Of(e) is { } known)
        {
            throw known;
        }
    }

    /// <summary>The stream's next message; when the process stops meanwhile, the caller hears of it.</summary>
    public static async Task<bool> NextAsync<T>(IAsyncStreamReader<T> requests, CancellationToken stopping)
    {
        try
        {
            return await requests.MoveNext(stopping);
        }
        catch (OperationCanceledException e)
        {
            throw new LogUnavailableException("The service stops.", e);
        }
    }

    private static RpcException? Of(Exception e) => e switch
    {
        LogUnavailableException => RpcErrors.Create(StatusCode.Unavailable, Reason.LogUnavailable, e.Message, null,
            RpcErrors.RetryAfter(RetryDelay)),
        LogOverloadedException => RpcErrors.Create(StatusCode.ResourceExhausted, Reason.Overloaded, e.Message,
            new Dictionary<string, string> { ["limit"] = "Compliance:Audit:WaitingEntriesMax" },
            RpcErrors.RetryAfter(RetryDelay)),
        KeyStoreException => RpcErrors.Create(StatusCode.Unavailable, Reason.LogUnavailable, e.Message, null,
            RpcErrors.RetryAfter(RetryDelay)),
        LogInconsistentException => RpcErrors.Create(
            StatusCode.FailedPrecondition, Reason.LogInconsistent, e.Message),
        _ => null,
    };
}
