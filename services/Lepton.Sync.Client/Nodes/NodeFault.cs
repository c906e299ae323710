using Grpc.Core;
using Lepton.ServiceDefaults;

namespace Lepton.Sync.Client;

/// <summary>What a failed call to a node means for who made it.</summary>
internal enum NodeFaultKind
{
    /// <summary>Nothing was done; another node or a later call may.</summary>
    NotDone,

    /// <summary>It may have been done.</summary>
    Unknown,

    /// <summary>Written, and not confirmed as widely as asked.</summary>
    Unconfirmed,

    /// <summary>The record has another version.</summary>
    Conflict,

    /// <summary>There is no such record.</summary>
    Absent,

    /// <summary>The feed has moved on beyond the token.</summary>
    TokenExpired,

    /// <summary>This node cannot; another one may.</summary>
    Elsewhere,

    /// <summary>For good.</summary>
    Refused,
}

/// <summary>A call to a node of Sync failed.</summary>
internal sealed class NodeFault(
    NodeFaultKind kind, string reason, string message, string version = "", TimeSpan? retryAfter = null,
    Exception? cause = null) : Exception(message, cause)
{
    public NodeFaultKind Kind { get; } = kind;

    /// <summary>As errors.proto documents it; else the gRPC status.</summary>
    public string Reason { get; } = reason;

    /// <summary>Of a conflict and of an unconfirmed write; else empty.</summary>
    public string Version { get; } = version;

    /// <summary>When the node asked to be asked again.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;

    public static NodeFault Of(RpcException e)
    {
        var details = RpcErrors.DetailsOf(e);
        var info = RpcErrors.InfoOf(details);
        var reason = info?.Domain == RpcErrors.Domain ? info.Reason : "";
        var retry = details?.Details.FirstOrDefault(d => d.Is(Google.Rpc.RetryInfo.Descriptor))
            ?.Unpack<Google.Rpc.RetryInfo>().RetryDelay?.ToTimeSpan();
        return new NodeFault(
            KindOf(e.StatusCode, reason), reason.Length > 0 ? reason : e.StatusCode.ToString(), e.Status.Detail,
            info?.Metadata.GetValueOrDefault("version") ?? "", retry, e);
    }

    private static NodeFaultKind KindOf(StatusCode status, string reason) => reason switch
    {
        "VERSION_CONFLICT" => NodeFaultKind.Conflict,
        "WRITE_UNCONFIRMED" => NodeFaultKind.Unconfirmed,
        "RECORD_UNKNOWN" or "RECORD_ERASED" => NodeFaultKind.Absent,
        "RESUME_TOKEN_EXPIRED" => NodeFaultKind.TokenExpired,
        "WATCH_ELSEWHERE" or "NODE_NOT_ALLOWED" or "CLASS_UNKNOWN" => NodeFaultKind.Elsewhere,
        "HOME_UNAVAILABLE" or "DATABASE_UNAVAILABLE" or "OVERLOADED" or "TOO_MANY_STREAMS" or "NOT_HOME"
            or "EPOCH_STALE" => NodeFaultKind.NotDone,
        "WRITE_OUTCOME_UNKNOWN" => NodeFaultKind.Unknown,
        // Without a reason of Sync's it is the connection's: how far the call came is not known.
        "" => status is StatusCode.PermissionDenied or StatusCode.Unimplemented or StatusCode.Unauthenticated
            ? NodeFaultKind.Refused
            : NodeFaultKind.Unknown,
        _ => status is StatusCode.Unavailable or StatusCode.ResourceExhausted ? NodeFaultKind.NotDone
            : status is StatusCode.Unknown or StatusCode.Internal or StatusCode.DeadlineExceeded
                or StatusCode.Cancelled ? NodeFaultKind.Unknown
            : NodeFaultKind.Refused,
    };
}
