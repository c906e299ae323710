using System.Collections.Concurrent;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Hop.V1;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenInference;

namespace Lepton.Routing.Tests.World;

/// <summary>A node as a real gRPC server with mutual TLS; what it does with a request is the test's.</summary>
internal sealed class FakeNode : IAsyncDisposable
{
    private static readonly Dictionary<string, AccessRule> Open =
        GRPCInferenceService.Descriptor.Methods.ToDictionary(
            AccessRules.PathOf, _ => AccessRule.ForServices("routing"));

    private readonly WebApplication _app;
    private readonly CancellationTokenSource _reporting = new();
    private readonly List<Task> _reports = [];
    private bool _dead;
    private int _asked;
    private int _reached;

    private FakeNode(string id, string region, WebApplication app)
    {
        (Id, Region, _app) = (id, region, app);
        Url = app.Services.GetRequiredService<IServer>()
            .Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single();
    }

    public string Id { get; }

    public string Region { get; }

    public string Url { get; }

    /// <summary>Answers ModelInfer. Default: an answer that echoes model and id.</summary>
    public Func<ModelInferRequest, ServerCallContext, Task<ModelInferResponse>> Infer { get; set; } = (request, _) =>
        Task.FromResult(new ModelInferResponse { ModelName = request.ModelName, ModelVersion = "1", Id = request.Id });

    /// <summary>What befalls a ModelInfer below gRPC, once its request has come. Default: nothing.</summary>
    public Func<WireFault> Fault { get; set; } = () => WireFault.None;

    /// <summary>ModelInfer requests that came, whatever became of them.</summary>
    public int Reached => _reached;

    /// <summary>The header grpc-timeout of each.</summary>
    public ConcurrentQueue<string> Timeouts { get; } = [];

    /// <summary>Ids of the connections by which ModelInfer requests came.</summary>
    public ConcurrentDictionary<string, bool> Connections { get; } = [];

    public Func<string, Task> Repository { get; set; } = _ => Task.CompletedTask;

    public ConcurrentQueue<HopAssertion> Assertions { get; } = [];

    public ConcurrentQueue<Metadata> Received { get; } = [];

    public int Served => Assertions.Count;

    /// <summary>Messages taken, of streams too.</summary>
    public int Asked => Volatile.Read(ref _asked);

    public NodeReport Report { get; private set; } = new();

    /// <summary>It follows no operator's order.</summary>
    public bool Deaf { get; set; }

    public static async Task<FakeNode> StartAsync(TestInstallation installation, string id, string region,
        Action<NodeReport>? shape, params string[] models)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        Dictionary<string, string?> configuration = installation.Configuration(region, "inference");
        builder.Configuration.AddInMemoryCollection(configuration);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.AddServiceDefaults("inference");
        builder.Services.AddSingleton<Holder>();
        WebApplication app = builder.Build();
        app.MapServiceDefaults(Open, GRPCInferenceService.Descriptor);
        app.Use((http, next) => app.Services.GetRequiredService<Holder>().Node?.SufferAsync(http, next) ?? next());
        app.MapGrpcService<Service>();
        await app.StartAsync();
        FakeNode node = new(id, region, app);
        app.Services.GetRequiredService<Holder>().Node = node;
        node.Report = new NodeReport
        {
            Node = id, Region = region, Zone = "a", Tier = Tier.Core, Url = node.Url, State = NodeState.Serving,
            StartTime = DateTimeOffset.UtcNow.ToTimestamp(), Sequence = 1,
                Load = new LoadReport { CpuUtilization = 0.1 },
        };
        node.Report.Models.AddRange(models.Select(m => new ModelReport
        {
            Name = m, Version = "1", Ready = true, Slots = 2, QueueMax = 4, Provider = "cpu",
        }));
        shape?.Invoke(node.Report);
        return node;
    }

    /// <summary>Falls silent towards the routers, and goes on with what it has.</summary>
    public Task StopReportingAsync() => _reporting.CancelAsync();

    /// <summary>Keeps a report stream to a router, and returns when the first report was taken.</summary>
    public async Task ReportToAsync(TestInstallation installation, string router)
    {
        TaskCompletionSource taken = new();
        _reports.Add(Task.Run(async () =>
        {
            using GrpcChannel channel = installation.Channel(router, installation.Service(Region, "inference"));
            try
            {
                using var call = new RegistryService.RegistryServiceClient(channel).Report(
                    cancellationToken: _reporting.Token);
                while (true)
                {
                    await call.RequestStream.WriteAsync(new ReportRequest { Report = Report }, _reporting.Token);
                    if (await call.ResponseStream.MoveNext(_reporting.Token)
                        && call.ResponseStream.Current.Order is not NodeOrder.Unspecified and var order && !Deaf)
                        Report.State = order == NodeOrder.Drain ? NodeState.Draining : NodeState.Serving;
                    taken.TrySetResult();
                    await Task.Delay(100, _reporting.Token);
                }
            }
            catch (Exception e) when (_reporting.IsCancellationRequested)
            {
                taken.TrySetException(e);
            }
            catch (Exception e) when (e is RpcException or IOException)
            {
                taken.TrySetException(e);
            }
        }));
        await taken.Task;
    }

    /// <summary>Dies as a killed process does: connections break, the report stream too.</summary>
    public async Task KillAsync(bool keepReporting = false)
    {
        if (_dead)
            return;
        _dead = true;
        if (!keepReporting)
            await _reporting.CancelAsync();
        using CancellationTokenSource now = new();
        await now.CancelAsync();
        await _app.StopAsync(now.Token); // no grace: open connections are aborted
        await _app.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        await _reporting.CancelAsync();
        await Task.WhenAll(_reports);
        _reporting.Dispose();
    }

    private Task<ModelInferResponse> AnswerAsync(ModelInferRequest request, ServerCallContext context)
    {
        Interlocked.Increment(ref _asked);
        return Infer(request, context);
    }

    private async Task SufferAsync(HttpContext http, Func<Task> next)
    {
        if (http.Request.Path != "/inference.GRPCInferenceService/ModelInfer")
        {
            await next();
            return;
        }
        Interlocked.Increment(ref _reached);
        Connections.TryAdd(http.Connection.Id, true);
        Timeouts.Enqueue(http.Request.Headers["grpc-timeout"].ToString());
        WireFault fault = Fault();
        if (fault == WireFault.None)
        {
            await next();
            return;
        }
        await http.Request.Body.CopyToAsync(Stream.Null, http.RequestAborted);
        if (fault == WireFault.Hang)
            await Task.Delay(Timeout.Infinite, http.RequestAborted)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (fault == WireFault.BreakAnswer)
        {
            http.Response.ContentType = "application/grpc";
            await http.Response.Body.WriteAsync(new byte[] { 0, 0, 0, 1, 0, 1, 2, 3 }, http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
        }
        if (fault == WireFault.ResetConnection)
            http.Features.GetRequiredFeature<IConnectionLifetimeFeature>().Abort();
        else
            http.Abort();
    }

    private sealed class Holder
    {
        public FakeNode? Node { get; set; }
    }

    private sealed class Service(Holder holder, HopVerifier verifier) : GRPCInferenceService.GRPCInferenceServiceBase
    {
        private FakeNode Node => holder.Node!;

        public override Task<ModelInferResponse> ModelInfer(ModelInferRequest request, ServerCallContext context)
        {
            Accept(context);
            context.ResponseTrailers.Add("x-lepton-provider", "cpu");
            return Node.AnswerAsync(request, context);
        }

        public override async Task ModelStreamInfer(IAsyncStreamReader<ModelInferRequest> requestStream,
            IServerStreamWriter<ModelStreamInferResponse> responseStream, ServerCallContext context)
        {
            Accept(context);
            while (await requestStream.MoveNext(context.CancellationToken))
                await responseStream.WriteAsync(new ModelStreamInferResponse
                {
                    InferResponse = await Node.AnswerAsync(requestStream.Current, context),
                });
        }

        public override Task<ModelReadyResponse> ModelReady(ModelReadyRequest request, ServerCallContext context)
        {
            Accept(context);
            return Task.FromResult(new ModelReadyResponse { Ready = true });
        }

        public override Task<RepositoryIndexResponse> RepositoryIndex(RepositoryIndexRequest request,
            ServerCallContext context)
        {
            Accept(context);
            RepositoryIndexResponse response = new();
            response.Models.AddRange(Node.Report.Models.Select(m => new RepositoryIndexResponse.Types.ModelIndex
            {
                Name = m.Name, Version = m.Version, State = m.Ready ? "READY" : "UNAVAILABLE",
            }));
            return Task.FromResult(response);
        }

        public override Task<ModelStatisticsResponse> ModelStatistics(ModelStatisticsRequest request,
            ServerCallContext context)
        {
            Accept(context);
            return Task.FromResult(new ModelStatisticsResponse
            {
                ModelStats =
                {
                    new ModelStatistics
                    {
                        Name = request.Name, Version = "1", InferenceCount = 5,
                        InferenceStats = new InferStatistics { Success = new StatisticDuration { Count = 5, Ns = 50 } },
                    },
                },
            });
        }

        public override async Task<RepositoryModelLoadResponse> RepositoryModelLoad(
            RepositoryModelLoadRequest request, ServerCallContext context)
        {
            Accept(context);
            await Node.Repository(request.ModelName);
            return new RepositoryModelLoadResponse();
        }

        private void Accept(ServerCallContext context)
        {
            HopVerdict verdict = verifier.Verify(
                context.GetHttpContext().Request.Headers, Node.Id, context.GetCaller());
            if (verdict is not HopVerdict.Accepted accepted)
                throw new RpcException(new Status(StatusCode.Unauthenticated, "no valid assertion"));
            Node.Received.Enqueue(context.RequestHeaders);
            Node.Assertions.Enqueue(accepted.Assertion);
        }
    }
}
