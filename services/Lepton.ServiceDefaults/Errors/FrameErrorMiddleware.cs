using Google.Protobuf;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Lepton.Platform.V1;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Status = Grpc.Core.Status;

namespace Lepton.ServiceDefaults;

/// <summary>
/// A unary request is read before any interceptor sees it: what cannot be read there comes as UNKNOWN or INTERNAL
/// without details, as if the service were at fault. Here it becomes what it is.
/// </summary>
internal sealed class FrameErrorMiddleware(RequestDelegate next)
{
    // What grpc-dotnet says of frames that it cannot read. It has no other mark; the fuzz tests hold the list to it.
    private static readonly string[] Unreadable =
    [
        "Incomplete message.", "Additional data after the message received.", "Incoming message cancelled.",
        "Request did not include grpc-encoding value with compressed message.",
    ];

    public Task InvokeAsync(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>() is null ? next(context) : WatchAsync(context);

    /// <summary>What reading a request failed with, as the caller's error; null: it is not that.</summary>
    public static RpcException? Of(Exception? reading) => reading switch
    {
        InvalidProtocolBufferException or InvalidDataException => Malformed(),
        // More than a 32-bit length can say comes so; anything else of this kind is a lost connection.
        IOException when reading.Message.StartsWith("Message too large", StringComparison.Ordinal) => TooLarge(),
        _ => null,
    };

    private static RpcException Malformed() => RpcErrors.Create(StatusCode.InvalidArgument,
        ErrorReason.MessageMalformed,
        "The request is not one gRPC frame after another, each with a message of the method's type.");

    private static RpcException TooLarge() => RpcErrors.Create(StatusCode.ResourceExhausted,
        ErrorReason.MessageTooLarge, "The message is larger than this service takes.");

    private async Task WatchAsync(HttpContext context)
    {
        await next(context);
        if (context.Features.Get<IServerCallContextFeature>()?.ServerCallContext is not { } call
            || call.Status.StatusCode == StatusCode.OK)
            return;
        var response = context.Response;
        var to = response.HasStarted
            ? context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers
            : response.Headers;
        if (to is { IsReadOnly: false } && !to.ContainsKey(RpcErrors.DetailsTrailer)
            && Error(call.Status) is { } error)
            RpcErrorWriter.AppendTo(error, to);
    }

    private static RpcException? Error(Status status) => status.StatusCode switch
    {
        StatusCode.Unknown => Of(status.DebugException)
            ?? RpcErrors.Create(StatusCode.Internal, ErrorReason.Internal, "Internal error."),
        StatusCode.Internal when Unreadable.Contains(status.Detail) => Malformed(),
        StatusCode.ResourceExhausted => TooLarge(),
        _ => null,
    };
}
