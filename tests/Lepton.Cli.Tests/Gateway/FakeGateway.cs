using System.Collections.Concurrent;
using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Lepton.Platform.V1;
using Lepton.Routing.V1;
using Lepton.Sync.V1;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
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
                ClientCertificateMode = ClientCertificateMode.AllowCertificate,
                ClientCertificateValidation = (_, _, _) => true,
            });
        }));
        Answers answers = new();
        builder.Services.AddSingleton(answers);
        builder.Services.AddGrpc();
        WebApplication app = builder.Build();
        app.Use((context, next) => answers.Authorizes(context) ? next() : RefuseAsync(context));
        app.MapGrpcService<FakeInference>();
        app.MapGrpcService<FakeRouting>();
        app.MapGrpcService<FakeAccess>();
        app.MapGrpcService<FakeRecords>();
        app.MapGrpcService<FakeRoles>();
        app.MapGrpcService<FakeAudit>();
        await app.StartAsync();
        return new FakeGateway(app, answers);
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    /// <summary>Trailers-only, as the services refuse a caller.</summary>
    private static Task RefuseAsync(HttpContext context)
    {
        context.Response.ContentType = "application/grpc";
        context.Response.Headers["grpc-status"] = "16";
        context.Response.Headers["grpc-message"] = "the token was revoked";
        return context.Response.CompleteAsync();
    }
}

/// <summary>What the fake answers, and what it saw.</summary>
internal sealed class Answers
{
    public Func<ModelInferRequest, ServerCallContext, ModelInferResponse> Infer { get; set; } =
        (_, _) => throw new RpcException(new Status(StatusCode.Unimplemented, "the test gave no answer"));

    public WhoAmIResponse Caller { get; set; } = new();

    public Func<ListNodesRequest, ListNodesResponse> Nodes { get; set; } = _ => new ListNodesResponse();

    public Func<PlanRouteRequest, PlanRouteResponse> Plan { get; set; } = _ => new PlanRouteResponse();

    public Func<ExplainDecisionRequest, ExplainDecisionResponse> Explain { get; set; } =
        _ => new ExplainDecisionResponse();

    public Func<ReplayDecisionRequest, ReplayDecisionResponse> Replay { get; set; } =
        _ => new ReplayDecisionResponse();

    public Func<ListModelsRequest, ListModelsResponse> Models { get; set; } = _ => new ListModelsResponse();

    public List<(string Word, string Model)> Changes { get; } = [];

    public GetScalingResponse Scaling { get; set; } = new();

    public WatchNodesResponse Watch { get; set; } = new();

    /// <summary>By class, tenant and key, with their versions.</summary>
    public ConcurrentDictionary<string, (ByteString Value, int Version)> Records { get; } = [];

    /// <summary>Requests to RoleService, in order.</summary>
    public ConcurrentQueue<IMessage> RoleRequests { get; } = [];

    public Metadata? Headers { get; set; }

    /// <summary>Who called, each time: the token, if one came, and the certificate, if one was shown.</summary>
    public ConcurrentQueue<(string? Token, string? Certificate)> Callers { get; } = [];

    /// <summary>Whether a call without certificate is let in, by its token.</summary>
    public Func<string, bool> Takes { get; set; } = _ => false;

    public TimeSpan? TimeLeft { get; set; }

    public string? ClientName { get; set; }

    public bool Authorizes(HttpContext context)
    {
        string shown = context.Request.Headers.Authorization.ToString();
        string? token = shown.StartsWith("Bearer ", StringComparison.Ordinal) ? shown["Bearer ".Length..] : null;
        string? certificate = context.Connection.ClientCertificate?.Subject;
        Callers.Enqueue((token, certificate));
        return token is null ? certificate is not null : Takes(token);
    }
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

internal sealed class FakeAccess(Answers answers) : AccessService.AccessServiceBase
{
    public override Task<WhoAmIResponse> WhoAmI(WhoAmIRequest request, ServerCallContext context)
    {
        answers.Headers = context.RequestHeaders;
        answers.ClientName = context.GetHttpContext().Connection.ClientCertificate?.Subject;
        return Task.FromResult(answers.Caller);
    }
}

internal sealed class FakeRecords(Answers answers) : RecordService.RecordServiceBase
{
    public override Task<GetResponse> Get(GetRequest request, ServerCallContext context) =>
        answers.Records.TryGetValue(Name(request.Key), out (ByteString Value, int Version) found)
            ? Task.FromResult(new GetResponse
            {
                Record = new() { Key = request.Key, Value = found.Value, Version = $"{found.Version}" },
            })
            : throw new RpcException(new Status(StatusCode.NotFound, "There is no such record."));

    public override Task<PutResponse> Put(PutRequest request, ServerCallContext context)
    {
        string name = Name(request.Write.Key);
        int before = answers.Records.TryGetValue(name, out (ByteString Value, int Version) found) ? found.Version : 0;
        if (request.Write.ExpectedVersion != $"{before}")
            throw new RpcException(new Status(StatusCode.Aborted, $"The record's version is {before}."));
        answers.Records[name] = (request.Write.Value, before + 1);
        return Task.FromResult(new PutResponse { Result = new() { Version = $"{before + 1}" } });
    }

    private static string Name(RecordKey key) => $"{key.RecordClass} {key.Tenant} {key.Key}";
}

internal sealed class FakeRouting(Answers answers) : RoutingService.RoutingServiceBase
{
    public override Task<ListNodesResponse> ListNodes(ListNodesRequest request, ServerCallContext context) =>
        Task.FromResult(answers.Nodes(request));

    public override Task<ListModelsResponse> ListModels(ListModelsRequest request, ServerCallContext context) =>
        Task.FromResult(answers.Models(request));

    public override Task<PlanRouteResponse> PlanRoute(PlanRouteRequest request, ServerCallContext context) =>
        Task.FromResult(answers.Plan(request));

    public override Task<ReplayDecisionResponse> ReplayDecision(
        ReplayDecisionRequest request, ServerCallContext context) => Task.FromResult(answers.Replay(request));

    public override Task<ExplainDecisionResponse> ExplainDecision(
        ExplainDecisionRequest request, ServerCallContext context) => Task.FromResult(answers.Explain(request));

    public override Task<GetScalingResponse> GetScaling(GetScalingRequest request, ServerCallContext context) =>
        Task.FromResult(answers.Scaling);

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
