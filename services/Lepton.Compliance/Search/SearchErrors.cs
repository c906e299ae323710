using Grpc.Core;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Client.Audit;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Search;

/// <summary>Refusals in their wire form.</summary>
internal static class SearchErrors
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    public static RpcException PageTokenInvalid() => RpcErrors.Create(StatusCode.InvalidArgument,
        V1.ErrorReason.PageTokenInvalid, "page_token: takes the next_page_token of an answer to this filter", null,
        RpcErrors.BadField("page_token", "takes the next_page_token of an answer to this filter"));

    public static RpcException TenantNotAllowed(Caller caller, string tenant, string permission) => RpcErrors.Create(
        StatusCode.PermissionDenied, Platform.V1.ErrorReason.CallerNotAllowed,
        $"{caller.Principal} holds {permission} for its own tenant, not for {tenant}.",
        new Dictionary<string, string> { ["caller"] = caller.Principal, ["permission"] = permission });

    public static RpcException TooManyExports(int max) => RpcErrors.Create(StatusCode.ResourceExhausted,
        Platform.V1.ErrorReason.TooManyStreams, $"{max} exports are under way.",
        new Dictionary<string, string> { ["limit"] = $"{SearchOptions.Section}:{nameof(SearchOptions.ExportsMax)}" },
        RpcErrors.RetryAfter(TimeSpan.FromSeconds(30)));

    /// <summary>A broken dependency or a limit; null: it is something else.</summary>
    public static RpcException? Of(Exception e) => e switch
    {
        SearchTooBroadException => RpcErrors.Create(
            StatusCode.FailedPrecondition, V1.ErrorReason.SearchTooBroad, e.Message),
        LogsMissingException missing => RpcErrors.Create(StatusCode.Unavailable, V1.ErrorReason.LogsMissing, e.Message,
            new Dictionary<string, string> { ["logs"] = string.Join(',', missing.Logs) }, RpcErrors.RetryAfter(Pause)),
        LogUnavailableException => RpcErrors.Create(StatusCode.Unavailable, V1.ErrorReason.LogUnavailable, e.Message,
            null, RpcErrors.RetryAfter(Pause)),
        AuditUnavailableException => RpcErrors.Create(StatusCode.Unavailable,
            Platform.V1.ErrorReason.AuditUnavailable,
            $"Nothing was given out, because it could not be written to the audit log: {e.Message}", null,
            RpcErrors.RetryAfter(Pause)),
        InvalidDataException => RpcErrors.Create(StatusCode.DataLoss, V1.ErrorReason.EntriesDamaged, e.Message),
        _ => null,
    };
}
