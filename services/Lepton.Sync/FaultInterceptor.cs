using Grpc.Core;
using Grpc.Core.Interceptors;
using Lepton.Sync.Homes;

namespace Lepton.Sync;

/// <summary>
/// Gives failures of the node's own database and key store their status, wherever a call met them: inside that of
/// ServiceDefaults, for which they would be unforeseen.
/// </summary>
internal sealed partial class FaultInterceptor(ILogger<FaultInterceptor> logger) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context);
        }
        catch (Exception e) when (SyncErrors.OfFault(e) is { } known)
        {
            LogFault(context.Method, e.Message);
            throw known;
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await continuation(request, responseStream, context);
        }
        catch (Exception e) when (SyncErrors.OfFault(e) is { } known)
        {
            LogFault(context.Method, e.Message);
            throw known;
        }
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await continuation(requestStream, responseStream, context);
        }
        catch (Exception e) when (SyncErrors.OfFault(e) is { } known)
        {
            LogFault(context.Method, e.Message);
            throw known;
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Method} failed: {Why}")]
    private partial void LogFault(string method, string why);
}
