using Grpc.Core;
using Grpc.Core.Interceptors;
using Lepton.Platform.V1;
using Microsoft.Extensions.Logging;

namespace Lepton.ServiceDefaults;

/// <summary>Gives every failure its status: a documented error as it is, anything unforeseen INTERNAL, without
/// text.</summary>
internal sealed partial class ErrorInterceptor(ILogger<ErrorInterceptor> logger, TimeProvider time) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request,
        ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context);
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw Map(e, context);
        }
    }

    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(new CheckedReader<TRequest>(requestStream), context);
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw Map(e, context);
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(TRequest request,
        IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await continuation(request, responseStream, context);
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw Map(e, context);
        }
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await continuation(new CheckedReader<TRequest>(requestStream), responseStream, context);
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw Map(e, context);
        }
    }

    private RpcException Map(Exception e, ServerCallContext context)
    {
        if (context.CancellationToken.IsCancellationRequested)
        {
            return context.Deadline <= time.GetUtcNow().UtcDateTime
                ? RpcErrors.Create(StatusCode.DeadlineExceeded, ErrorReason.DeadlineExceeded, "The deadline passed.")
                : RpcErrors.Create(StatusCode.Cancelled, ErrorReason.Cancelled, "The caller cancelled.");
        }
        LogUnforeseen(e, context.Method);
        return RpcErrors.Create(StatusCode.Internal, ErrorReason.Internal, "Internal error.");
    }

    [LoggerMessage(LogLevel.Error, "{Method} failed unforeseen")]
    private partial void LogUnforeseen(Exception e, string method);
}
