using Google.Protobuf;
using Grpc.Core;
using Lepton.Routing.Registry;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;
using OpenInference;

namespace Lepton.Routing.Gateway;

/// <summary>
/// The protocol's calls that no single node answers: for the server as a whole, and for the region's repository.
/// </summary>
internal sealed class RepositoryGateway(
    CallOpener opener, FanOut fanOut, Topology topology, SnapshotPublisher snapshots, IManagementLog managements,
    IOptions<RoutingOptions> options)
{
    private const string Version = "1.0.0";

    public Task ServerLiveAsync(HttpContext http) => AnswerAsync<ServerLiveRequest>(http, "ServerLive", _ => "",
        (_, _) => Task.FromResult<(IMessage?, RpcException?)>((new ServerLiveResponse { Live = true }, null)));

    public Task ServerReadyAsync(HttpContext http) => AnswerAsync<ServerReadyRequest>(http, "ServerReady", _ => "",
        (_, _) => Task.FromResult<(IMessage?, RpcException?)>(
            (new ServerReadyResponse { Ready = snapshots.Current.Nodes.Any(n => n.MayServe) }, null)));

    public Task ServerMetadataAsync(HttpContext http) =>
        AnswerAsync<ServerMetadataRequest>(http, "ServerMetadata", _ => "",
        (_, _) => Task.FromResult<(IMessage?, RpcException?)>((new ServerMetadataResponse
        {
            Name = "lepton", Version = Version,
                Extensions = { "model_repository", "statistics", "model_configuration" },
        }, null)));

    public Task IndexAsync(HttpContext http) => AnswerAsync<RepositoryIndexRequest>(http, "RepositoryIndex", _ => "",
        async (call, request) =>
            (Merge(await fanOut.CallAsync(call, (c, o) => c.RepositoryIndexAsync(request, o))), null));

    public Task StatisticsAsync(HttpContext http) => AnswerAsync<ModelStatisticsRequest>(http, "ModelStatistics",
        request => request.Name, async (call, request) =>
        {
            var replies = await fanOut.CallAsync(call, (c, o) => c.ModelStatisticsAsync(request, o));
            // Who doesn't have the model has no statistics of it; when nobody has it, that is the answer.
            return replies.Any(r => r.Answer is not null) || replies.Count == 0
                ? (StatisticsMerge.Of(replies.Select(r => r.Answer).OfType<ModelStatisticsResponse>()), null)
                : (null, replies[0].Error);
        });

    public Task LoadAsync(HttpContext http) => AnswerAsync<RepositoryModelLoadRequest>(http, "RepositoryModelLoad",
        request => request.ModelName, async (call, request) => AllOf(call,
            await fanOut.CallAsync(call, (c, o) => c.RepositoryModelLoadAsync(request, o)),
                new RepositoryModelLoadResponse()));

    public Task UnloadAsync(HttpContext http) =>
        AnswerAsync<RepositoryModelUnloadRequest>(http, "RepositoryModelUnload",
        request => request.ModelName, async (call, request) => AllOf(call,
            await fanOut.CallAsync(call, (c, o) => c.RepositoryModelUnloadAsync(request, o)),
                new RepositoryModelUnloadResponse()));

    // A name of the caller's own making is no metric's label: callers could make up any number of them.
    public Task NotOfferedAsync(HttpContext http, string method) => opener.RunAsync(http,
        new GatewayMethod(GRPCInferenceService.Descriptor.FindMethodByName(method)?.Name ?? "_OTHER", 0, 0, false),
        _ => Task.FromResult<RpcException?>(
            GatewayErrors.MethodNotOffered(method,
                "shared memory, trace and log settings belong to one process, not to a platform")));

    private Task AnswerAsync<TRequest>(
        HttpContext http, string method, Func<TRequest, string> modelOf,
        Func<GatewayCall, TRequest, Task<(IMessage?, RpcException?)>> answer)
        where TRequest : IMessage<TRequest>, new() =>
        opener.RunAsync(http, new GatewayMethod(method, 0, 0, false), async call =>
        {
            (TRequest? request, RpcException? error) = await ReadAsync<TRequest>(call);
            if (request is null)
                return error;
            if (modelOf(request) is { Length: > 0 } model)
                error = call.Admit(topology, model, "");
            if (error is not null)
                return error;
            (IMessage? response, error) = ManagementCall.Of(http) is { } managing
                ? await ManageAsync(managing, request, call, () => answer(call, request))
                : await answer(call, request);
            if (response is not null)
                await opener.AnswerAsync(call, response);
            return error;
        });

    // Written down before and after, as the interceptor does it for other services.
    private async Task<(IMessage?, RpcException?)> ManageAsync(ManagementCall managing, IMessage request,
        GatewayCall call, Func<Task<(IMessage?, RpcException?)>> answer)
    {
        ManagedWork? work;
        try
        {
            work = await ManagedWork.BeginAsync(managements, managing, request, call.Cancellation);
        }
        catch (RpcException e)
        {
            return (null, e);
        }
        RpcException? error = GatewayErrors.Internal(); // unless it ends otherwise
        try
        {
            (IMessage? response, error) = await answer();
            return (response, error);
        }
        finally
        {
            if (work is not null)
                await work.EndAsync(error);
        }
    }

    private async Task<(TRequest? Request, RpcException? Error)> ReadAsync<TRequest>(GatewayCall call)
        where TRequest : IMessage<TRequest>, new()
    {
        FrameReader reader = new(call.Http.Request.BodyReader, options.Value.MessageBytesMax,
            call.Http.Request.Headers[Headers.Encoding].ToString());
        (PooledMessage? message, RpcException? error) = await reader.ReadAsync(null, call.Cancellation);
        call.Draft.BytesRead = reader.BytesRead;
        if (message is null)
            return (default, error ?? GatewayErrors.MessageMalformed("is missing"));
        using (message)
        {
            if (!await reader.IsAtEndAsync(call.Cancellation))
                return (default, GatewayErrors.MessageMalformed("is followed by another in a unary call"));
            try
            {
                TRequest request = new();
                request.MergeFrom(message.Body);
                return (request, null);
            }
            catch (InvalidProtocolBufferException)
            {
                return (default, GatewayErrors.MessageMalformed("is no protobuf message of this method"));
            }
        }
    }

    private static RepositoryIndexResponse Merge(IReadOnlyList<FanOut.Reply<RepositoryIndexResponse>> replies)
    {
        RepositoryIndexResponse merged = new();
        merged.Models.AddRange(replies
            .SelectMany(r => r.Answer?.Models ?? [])
            .GroupBy(m => (m.Name, m.Version))
            .Select(g => g.MinBy(m => m.State == "READY" ? 0 : 1)) // ready somewhere is ready
            .OfType<RepositoryIndexResponse.Types.ModelIndex>()
            .OrderBy(m => m.Name, StringComparer.Ordinal).ThenBy(m => m.Version, StringComparer.Ordinal));
        return merged;
    }

    private static (IMessage?, RpcException?) AllOf<T>(GatewayCall call, IReadOnlyList<FanOut.Reply<T>> replies,
        T response)
        where T : class, IMessage
    {
        if (replies.Count == 0)
            return (null, GatewayErrors.NoNodeAvailable(call.Draft.Model, call.Class.Regions));
        Dictionary<string, string> failed = replies
            .Where(r => r.Error is not null)
            .ToDictionary(r => r.Node.Id, r => $"{r.Error?.StatusCode}: {r.Error?.Status.Detail}");
        if (failed.Count == 0)
            return (response, null);
        StatusCode[] codes = [.. replies.Select(r => r.Error).OfType<RpcException>().Select(e =>
            e.StatusCode).Distinct()];
        return (null, GatewayErrors.FanOutIncomplete(codes is [var one] ? one : StatusCode.Internal, failed,
            replies.Count));
    }
}
