using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Lepton.Routing.V1;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenInference;

namespace Lepton.Cli.Tests.Gateway;

/// <summary>A gateway on a real TLS 1.3 socket that answers what the test says and keeps what it was asked.</summary>
internal sealed class FakeGateway : IAsyncDisposable
{
    private readonly WebApplication app;

    private FakeGateway(WebApplication app, Answers answers)
    {
        this.app = app;
        Answers = answers;
        Url = app.Urls.Single();
    }

    public string Url { get; }

    public Answers Answers { get; }

    public static async Task<FakeGateway> StartAsync(TestInstallation pki, string region, string service = "routing")
    {
        (string certificate, string key) = pki.Service(region, service);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        X509Certificate2 leaf = X509Certificate2.CreateFromPemFile(certificate, key);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(new HttpsConnectionAdapterOptions
            {
                ServerCertificate = leaf,
                SslProtocols = SslProtocols.Tls13,
                ClientCertificateMode = ClientCertificateMode.RequireCertificate,
                ClientCertificateValidation = (_, _, _) => true,
            });
        }));
        Answers answers = new();
        builder.Services.AddSingleton(answers);
        builder.Services.AddGrpc();
        WebApplication app = builder.Build();
        app.MapGrpcService<FakeInference>();
        app.MapGrpcService<FakeRouting>();
        await app.StartAsync();
        return new FakeGateway(app, answers);
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();
}

/// <summary>What the fake answers, and what it saw.</summary>
internal sealed class Answers
{
    public Func<ModelInferRequest, ServerCallContext, ModelInferResponse> Infer { get; set; } =
        (_, _) => throw new RpcException(new Status(StatusCode.Unimplemented, "the test gave no answer"));

    public Func<ListNodesRequest, ListNodesResponse> Nodes { get; set; } = _ => new ListNodesResponse();

    public Func<PlanRouteRequest, PlanRouteResponse> Plan { get; set; } = _ => new PlanRouteResponse();

    public Func<ExplainDecisionRequest, ExplainDecisionResponse> Explain { get; set; } =
        _ => new ExplainDecisionResponse();

    public Func<ListModelsRequest, ListModelsResponse> Models { get; set; } = _ => new ListModelsResponse();

    public List<(string Word, string Model)> Changes { get; } = [];

    public WatchNodesResponse Watch { get; set; } = new();

    public Metadata? Headers { get; set; }

    public TimeSpan? TimeLeft { get; set; }

    public string? ClientName { get; set; }
}

internal sealed class FakeInference(Answers answers) : GRPCInferenceService.GRPCInferenceServiceBase
{
    public override Task<ModelInferResponse> ModelInfer(ModelInferRequest request, ServerCallContext context)
    {
        answers.Headers = context.RequestHeaders;
        answers.TimeLeft = context.Deadline - DateTime.UtcNow;
        answers.ClientName = context.GetHttpContext().Connection.ClientCertificate?.Subject;
        return Task.FromResult(answers.Infer(request, context));
    }

    public override Task<RepositoryModelLoadResponse> RepositoryModelLoad(
        RepositoryModelLoadRequest request, ServerCallContext context)
    {
        answers.Changes.Add(("load", request.ModelName));
        return Task.FromResult(new RepositoryModelLoadResponse());
    }

    public override Task<RepositoryModelUnloadResponse> RepositoryModelUnload(
        RepositoryModelUnloadRequest request, ServerCallContext context)
    {
        answers.Changes.Add(("unload", request.ModelName));
        return Task.FromResult(new RepositoryModelUnloadResponse());
    }
}

internal sealed class FakeRouting(Answers answers) : RoutingService.RoutingServiceBase
{
    public override Task<ListNodesResponse> ListNodes(ListNodesRequest request, ServerCallContext context) =>
        Task.FromResult(answers.Nodes(request));

    public override Task<ListModelsResponse> ListModels(ListModelsRequest request, ServerCallContext context) =>
        Task.FromResult(answers.Models(request));

    public override Task<PlanRouteResponse> PlanRoute(PlanRouteRequest request, ServerCallContext context) =>
        Task.FromResult(answers.Plan(request));

    public override Task<ExplainDecisionResponse> ExplainDecision(
        ExplainDecisionRequest request, ServerCallContext context) => Task.FromResult(answers.Explain(request));

    public override Task<DrainNodeResponse> DrainNode(DrainNodeRequest request, ServerCallContext context)
    {
        answers.Changes.Add(("drain", request.Node));
        return Task.FromResult(new DrainNodeResponse
        {
            Node = new() { Report = new() { Node = request.Node, State = NodeState.Draining } },
        });
    }

    public override Task<ResumeNodeResponse> ResumeNode(ResumeNodeRequest request, ServerCallContext context) =>
        throw new RpcException(new Status(StatusCode.PermissionDenied, "It takes the permission NODES_MANAGE."));

    public override async Task WatchNodes(
        WatchNodesRequest request, IServerStreamWriter<WatchNodesResponse> responseStream, ServerCallContext context)
    {
        await responseStream.WriteAsync(answers.Watch, context.CancellationToken);
        await Task.Delay(Timeout.InfiniteTimeSpan, context.CancellationToken)
            .ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }
}
