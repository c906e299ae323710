using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Hop.V1;
using Lepton.Inference;
using Lepton.Inference.Repository;
using Lepton.Inference.Serving;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenInference;

namespace Lepton.Benchmarks.Inference;

/// <summary>
/// The inference service in this process, as it is deployed: CPU, one instance and one thread a model.
/// </summary>
internal sealed class BenchNode : IAsyncDisposable
{
    private const string Region = "eu-west";
    private const string Node = "inference-eu-west-a";
    private readonly WebApplication _app;
    private readonly TestInstallation _installation;
    private readonly HopSigner _signer;
    private readonly HopSealer _sealer;
    private readonly GrpcChannel _channel;
    private readonly GRPCInferenceService.GRPCInferenceServiceClient _client;

    private BenchNode(WebApplication app, TestInstallation installation)
    {
        (_app, _installation) = (app, installation);
        var (certificate, key) = installation.HopSigning(Region);
        _signer = HopSigner.FromFiles(certificate, key);
        _sealer = new HopSealer(_signer, TimeProvider.System);
        _channel = installation.Channel(app.Urls.Single(), installation.Service(Region, "routing"));
        _client = new(_channel);
    }

    public ModelRepository Repository => _app.Services.GetRequiredService<ModelRepository>();

    public static async Task<BenchNode> StartAsync(string models)
    {
        var installation = new TestInstallation();
        var policy = Path.Combine(installation.Directory, "residency.json");
        await File.WriteAllTextAsync(policy, """
            {
              "version": 1,
              "dataClasses": { "public": { "regions": ["*"] } },
              "tenants": { "demo": { "floor": "public" } },
              "models": { "default": { "floor": "public" } }
            }
            """);
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(installation.Configuration(Region, "inference"));
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Lepton:PolicyFile"] = policy,
            ["Inference:Node"] = Node,
            ["Inference:AdvertiseUrl"] = "https://127.0.0.1:1",
            ["Inference:Routers:0"] = "https://127.0.0.1:1", // nobody listens there
            ["Inference:ModelDirectory"] = models,
            ["Inference:Provider"] = "cpu",
        });
        builder.AddServiceDefaults("inference");
        builder.AddInference();
        var app = builder.Build();
        app.MapServiceDefaults(NodeAccess.Rules, GRPCInferenceService.Descriptor);
        app.MapInference();
        await app.StartAsync();
        var repository = app.Services.GetRequiredService<ModelRepository>();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!repository.Started)
            await poll.WaitForNextTickAsync();
        return new BenchNode(app, installation);
    }

    public async Task InferAsync(ModelInferRequest request)
    {
        var now = DateTimeOffset.UtcNow;
        // Sealed, as routers do: of signed ones a node takes only so many before they expire.
        var hop = _sealer.Seal(Node, new HopAssertion
        {
            Principal = "tenant/demo",
            Tenant = "demo",
            DataClass = "public",
            AllowedRegions = { Region },
            DecisionId = $"{Region}-{Guid.NewGuid():N}",
            Attempt = 1,
            Hops = 1,
            Audience = Node,
            Model = request.ModelName,
            IssueTime = Timestamp.FromDateTimeOffset(now),
            ExpireTime = Timestamp.FromDateTimeOffset(now.AddSeconds(30)),
            PolicyVersion = "1",
            Priority = "realtime",
        }.ToByteArray());
        await _client.ModelInferAsync(request, new Metadata
        {
            { HopHeader.Name, Convert.FromBase64String(hop.Assertion) },
            { HopHeader.Grant, Convert.FromBase64String(hop.Grant) },
        });
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        _signer.Dispose();
        await _app.DisposeAsync();
        _installation.Dispose();
    }
}
