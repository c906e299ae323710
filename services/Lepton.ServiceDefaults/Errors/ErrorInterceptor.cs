using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Lepton.Platform.V1;
using Microsoft.Extensions.Logging;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Gives every failure its status: a documented error as it is, anything unforeseen INTERNAL, without text. Calls that
/// manage are written down before and after.
/// </summary>
internal sealed partial class ErrorInterceptor(
    ILogger<ErrorInterceptor> logger, TimeProvider time, IManagementLog? managements = null) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(TRequest request,
        ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        var managing = await BeginAsync(request as IMessage, context);
        try
        {
            var answer = await continuation(request, context);
            if (managing is not null)
                await managing.EndAsync(null);
            return answer;
        }
        catch (Exception e) when (managing is not null || e is not RpcException)
        {
            await FailAsync(managing, e, context);
            throw;
        }
    }

    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        var managing = await BeginAsync(null, context);
        try
        {
            var answer = await continuation(new CheckedReader<TRequest>(requestStream), context);
            if (managing is not null)
                await managing.EndAsync(null);
            return answer;
        }
        catch (Exception e) when (managing is not null || e is not RpcException)
        {
            await FailAsync(managing, e, context);
            throw;
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(TRequest request,
        IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        var managing = await BeginAsync(request as IMessage, context);
        try
        {
            await continuation(request, responseStream, context);
            if (managing is not null)
                await managing.EndAsync(null);
        }
        catch (Exception e) when (managing is not null || e is not RpcException)
        {
            await FailAsync(managing, e, context);
            throw;
        }
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        var managing = await BeginAsync(null, context);
        try
        {
            await continuation(new CheckedReader<TRequest>(requestStream), responseStream, context);
            if (managing is not null)
                await managing.EndAsync(null);
        }
        catch (Exception e) when (managing is not null || e is not RpcException)
        {
            await FailAsync(managing, e, context);
            throw;
        }
    }

    // Completes at once for all calls that manage nothing.
    private ValueTask<ManagedWork?> BeginAsync(IMessage? request, ServerCallContext context) =>
        managements is not null && ManagementCall.Of(context) is { } call
            ? ManagedWork.BeginAsync(managements, call, request, context.CancellationToken)
            : default;

    // Throws what an unforeseen failure becomes; returns where it was a documented error already.
    private async Task FailAsync(ManagedWork? managing, Exception e, ServerCallContext context)
    {
        var error = e as RpcException ?? Map(e, context);
        if (managing is not null)
            await managing.EndAsync(error);
        if (!ReferenceEquals(e, error))
            throw error;
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
