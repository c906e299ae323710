using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Gateway;

/// <summary>The reason that a Lepton service gives with an error, read off an answer.</summary>
internal static class AnswerReason
{
    private const string DetailsKey = "grpc-status-details-bin";
    private const string Domain = "lepton";

    /// <summary>The reason of an UNAVAILABLE or RESOURCE_EXHAUSTED; null: none of ours, or another status.</summary>
    public static string? Of(HttpResponseMessage answer, StatusCode? status)
    {
        if (status is not (StatusCode.Unavailable or StatusCode.ResourceExhausted))
            return null;
        string details = AnswerRelay.Read(answer, DetailsKey);
        byte[] bytes = new byte[details.Length];
        string padded = (details.Length % 4) switch { 2 => details + "==", 3 => details + "=", _ => details };
        if (!Convert.TryFromBase64String(padded, bytes, out int length))
            return null;
        try
        {
            ErrorInfo? info = Google.Rpc.Status.Parser.ParseFrom(bytes, 0, length).Details
                .FirstOrDefault(d => d.Is(ErrorInfo.Descriptor))?.Unpack<ErrorInfo>();
            return info?.Domain == Domain ? info.Reason : null;
        }
        catch (InvalidProtocolBufferException)
        {
            return null; // not what we wrote: it proves nothing
        }
    }
}
