using Google.Protobuf;
using Grpc.Core;
using Lepton.Inference.V1;
using Lepton.ServiceDefaults;
using PlatformReason = Lepton.Platform.V1.ErrorReason;

namespace Lepton.Inference.Serving;

/// <summary>Gives each refusal the status that its reason is documented with.</summary>
internal static class InferenceErrors
{
    private static readonly TimeSpan QueueRetry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan ModelRetry = TimeSpan.FromSeconds(2);

    public static RpcException ToRpc(this InferenceRefusal refusal)
    {
        var status = refusal.Reason switch
        {
            ErrorReason.ModelUnknown or ErrorReason.ModelVersionUnknown => StatusCode.NotFound,
            ErrorReason.ModelNotReady or ErrorReason.NodeDraining => StatusCode.Unavailable,
            ErrorReason.QueueFull => StatusCode.ResourceExhausted,
            ErrorReason.RegionNotAllowed => StatusCode.FailedPrecondition,
            ErrorReason.ExecutionFailed => StatusCode.Internal,
            _ => StatusCode.InvalidArgument,
        };
        IMessage[] details = refusal switch
        {
            { Reason: ErrorReason.QueueFull } => [RpcErrors.RetryAfter(QueueRetry)],
            { Reason: ErrorReason.ModelNotReady } => [RpcErrors.RetryAfter(ModelRetry)],
            { Field: { } field } => [RpcErrors.BadField(field, refusal.Message)],
            _ => [],
        };
        return RpcErrors.Create(status, refusal.Reason, refusal.Message, null, details);
    }

    public static RpcException Leaving() => RpcErrors.Create(StatusCode.Unavailable, ErrorReason.NodeDraining,
        "This node leaves service; what it answered is complete.", null, RpcErrors.RetryAfter(QueueRetry));

    public static RpcException LoadStreamsFull(int max) => RpcErrors.Create(
        StatusCode.ResourceExhausted, ErrorReason.LoadStreamsFull, $"This node has {max} load streams, and no more.",
        null, RpcErrors.RetryAfter(ModelRetry));

    public static RpcException IntervalInvalid() => RpcErrors.Create(
        StatusCode.InvalidArgument, PlatformReason.FieldInvalid, "report_interval takes a duration of 0 or more.",
        null, RpcErrors.BadField("report_interval", "takes a duration of 0 or more"));

    public static RpcException DeadlinePassed() => RpcErrors.Create(
        StatusCode.DeadlineExceeded, PlatformReason.DeadlineExceeded, "The deadline passed before the request ran.");

    public static RpcException NotOffered(string what, string why) =>
        RpcErrors.Create(StatusCode.Unimplemented, PlatformReason.FeatureNotOffered, $"{what} is not offered: {why}");
}
