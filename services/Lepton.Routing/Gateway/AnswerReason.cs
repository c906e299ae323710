using Google.Rpc;
using Grpc.Core;
using Lepton.Routing.Http2;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Gateway;

/// <summary>The reason that a Lepton service gives with an error, read off an answer.</summary>
internal static class AnswerReason
{
    /// <summary>The reason of an UNAVAILABLE or RESOURCE_EXHAUSTED; null: none of ours, or another status.</summary>
    public static string? Of(Exchange answer, StatusCode? status)
    {
        if (status is not (StatusCode.Unavailable or StatusCode.ResourceExhausted))
            return null;
        string details = AnswerRelay.Read(answer, RpcErrors.DetailsTrailer);
        byte[] bytes = new byte[details.Length];
        string padded = (details.Length % 4) switch { 2 => details + "==", 3 => details + "=", _ => details };
        if (!Convert.TryFromBase64String(padded, bytes, out int length))
            return null;
        ErrorInfo? info = RpcErrors.InfoOf(RpcErrors.DetailsOf(bytes.AsSpan(0, length)));
        return info?.Domain == RpcErrors.Domain ? info.Reason : null;
    }
}
