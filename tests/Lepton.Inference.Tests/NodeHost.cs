using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Compliance.Client.Audit;
using Lepton.Hop.V1;
using Lepton.Inference.Repository;
using Lepton.Inference.Serving;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenInference;
using Xds.Service.Orca.V3;

namespace Lepton.Inference.Tests;

/// <summary>A real node over real sockets and mutual TLS, and a router's means of calling it.</summary>
internal sealed class NodeHost : IAsyncDisposable
{
    public const string Region = "eu-west";
    public const string Node = "inference-eu-west-a";
    public const string Policy = """
        {
          "version": 7,
          "dataClasses": {
            "public": { "regions": ["*"] },
            "eu-personal": { "regions": ["eu-west"], "regulated": true },
            "us-health": { "regions": ["us-east"], "regulated": true }
          },
          "tenants": { "demo": { "floor": "public" } },
          "models": { "default": { "floor": "public" }, "us_only": { "floor": "us-health" } }
        }
        """;

    private readonly WebApplication _app;
    private readonly HopSigner _signer;

    private NodeHost(WebApplication app, TestInstallation installation, bool ownsInstallation)
    {
        (_app, Installation, OwnsInstallation) = (app, installation, ownsInstallation);
        var (certificate, key) = installation.HopSigning(Region);
        _signer = HopSigner.FromFiles(certificate, key);
        Channel = installation.Channel(Address, installation.Service(Region, "routing"));
        Client = new(Channel);
    }

    public TestInstallation Installation { get; }

    public IServiceProvider Services => _app.Services;

    public string Address => _app.Urls.Single();

    public GrpcChannel Channel { get; }

    public GRPCInferenceService.GRPCInferenceServiceClient Client { get; }

    private bool OwnsInstallation { get; }

    /// <param name="models">The models; the caller disposes the repository after the node.</param>
    /// <param name="settings">Further configuration.</param>
    /// <param name="installation">Shared with routers of the test; null: one of its own.</param>
    /// <param name="log">Receives log lines.</param>
    public static async Task<NodeHost> StartAsync(TestRepository models, Dictionary<string, string?>? settings = null,
        TestInstallation? installation = null, ILoggerProvider? log = null)
    {
        var pki = installation ?? new TestInstallation();
        var policy = Path.Combine(pki.Directory, "residency.json");
        await File.WriteAllTextAsync(policy, Policy);
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        if (log is not null)
            builder.Logging.AddProvider(log);
        builder.Configuration.AddInMemoryCollection(pki.Configuration(Region, "inference"));
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Lepton:PolicyFile"] = policy,
            ["Inference:Node"] = Node,
            ["Inference:Tier"] = "core",
            ["Inference:AdvertiseUrl"] = "https://127.0.0.1:1",
            // Nobody listens there: a node serves whether or not its routers are up.
            ["Inference:Routers:0"] = "https://127.0.0.1:1",
            ["Inference:ModelDirectory"] = models.Directory,
            ["Inference:Provider"] = "cpu",
            ["Inference:DrainSeconds"] = "5",
        });
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        builder.AddServiceDefaults("inference");
        builder.AddAudit("inference");
        builder.AddInference();
        var app = builder.Build();
        app.MapServiceDefaults(NodeAccess.Rules, GRPCInferenceService.Descriptor, OpenRcaService.Descriptor);
        app.MapInference();
        await app.StartAsync();
        var host = new NodeHost(app, pki, installation is null);
        await host.ReadyAsync();
        return host;
    }

    public static HopAssertion Assertion(string model) => new()
    {
        Principal = "tenant/demo",
        Tenant = "demo",
        DataClass = "public",
        AllowedRegions = { Region, "us-east" },
        DecisionId = $"{Region}-{Guid.NewGuid():N}",
        Attempt = 1,
        Hops = 1,
        Audience = Node,
        Model = model,
        IssueTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow),
        ExpireTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow.AddSeconds(30)),
        PolicyVersion = "7",
        Priority = "realtime",
    };

    public Metadata Headers(string model, Action<HopAssertion>? change = null)
    {
        var assertion = Assertion(model);
        change?.Invoke(assertion);
        return Headers(_signer.Sign(assertion));
    }

    public static Metadata Headers(string signed) => new() { { HopHeader.Name, Convert.FromBase64String(signed) } };

    public AsyncUnaryCall<ModelInferResponse> InferAsync(
        ModelInferRequest request, DateTime? deadline = null, Action<HopAssertion>? change = null,
        CancellationToken cancellation = default) =>
        Client.ModelInferAsync(request, Headers(request.ModelName, change), deadline, cancellation);

    public async Task StopAsync() => await _app.StopAsync();

    /// <summary>Ends when the first request to a model has begun to run, or has ended.</summary>
    public async Task UntilTakenAsync(string model)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var served = Services.GetRequiredService<ModelRepository>().Find(model, "");
        while (served.Running == 0 && served.Statistics.Snapshot().Success.Count == 0)
            await Task.Delay(1, limit.Token);
    }

    /// <summary>Ends when a node that stops has begun to refuse new work.</summary>
    public async Task UntilRefusingAsync()
    {
        var refusing = new TaskCompletionSource();
        var draining = Services.GetRequiredService<Serving.Draining>();
        using var registration = draining.Refusing.Register(refusing.SetResult);
        await refusing.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        _signer.Dispose();
        await _app.DisposeAsync();
        if (OwnsInstallation)
            Installation.Dispose();
    }

    private async Task ReadyAsync()
    {
        var repository = Services.GetRequiredService<ModelRepository>();
        var ready = new TaskCompletionSource();
        repository.Changed += Check;
        Check();
        await ready.Task.WaitAsync(TimeSpan.FromSeconds(60));
        repository.Changed -= Check;

        void Check()
        {
            if (repository.Started)
                ready.TrySetResult();
        }
    }
}
