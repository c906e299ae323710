using System.Net;
using System.Net.Sockets;
using Grpc.Net.Client;
using Lepton.Compliance.Client.Audit;
using Lepton.Routing.Registry;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenInference;

namespace Lepton.Routing.Tests.World;

/// <summary>A router as its program puts it together, over real sockets.</summary>
internal sealed class TestRouter : IAsyncDisposable
{
    public const string Policy = """
        {
          "version": 3,
          "dataClasses": {
            "public": { "regions": ["*"] },
            "eu-personal": { "regions": ["eu-west"], "regulated": true },
            "us-health": { "regions": ["us-east"], "regulated": true },
            "atlantic": { "regions": ["us-east", "eu-west"], "regulated": true }
          },
          "tenants": { "demo": { "floor": "public" }, "other": { "floor": "public" } },
          "models": { "default": { "floor": "public" }, "xray": { "floor": "us-health" } }
        }
        """;

    private readonly WebApplication _app;
    private readonly string _decisions;

    private TestRouter(TestInstallation installation, string region, string url, string decisions, WebApplication app)
    {
        (Installation, Region, Url, _decisions, _app) = (installation, region, url, decisions, app);
        Channel = installation.Channel(url, installation.Tenant("demo"));
        Client = new(Channel);
        Routing = new(Channel);
    }

    public TestInstallation Installation { get; }

    public string Region { get; }

    public string Url { get; }

    public GrpcChannel Channel { get; }

    public GRPCInferenceService.GRPCInferenceServiceClient Client { get; }

    public V1.RoutingService.RoutingServiceClient Routing { get; }

    public IServiceProvider Services => _app.Services;

    public RegistrySnapshot Snapshot => _app.Services.GetRequiredService<SnapshotPublisher>().Current;

    /// <summary>An address that is free now: routers must know each other's before they start.</summary>
    public static string FreeUrl()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return $"https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
    }

    public static async Task<TestRouter> StartAsync(
        TestInstallation installation, string region, IReadOnlyDictionary<string, string[]> regions, int index = 0,
        Dictionary<string, string?>? settings = null, Action<IServiceCollection>? change = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        Dictionary<string, string?> configuration = installation.Configuration(region, "routing");
        string policy = Path.Combine(installation.Directory, $"policy-{region}.json");
        string decisions = Directory.CreateTempSubdirectory("lepton-decisions-").FullName;
        await File.WriteAllTextAsync(policy, Policy);
        (string certificate, string key) = installation.HopSigning(region);
        configuration["urls"] = regions[region][index];
        configuration["Lepton:PolicyFile"] = policy;
        configuration["Lepton:Intrusion:RulesFile"] = MetricList.RepositoryFile("deploy/intrusion.json");
        configuration["Routing:HopCertificateFile"] = certificate;
        configuration["Routing:HopKeyFile"] = key;
        configuration["Routing:DecisionDirectory"] = decisions;
        configuration["Routing:Drain:LameDuckTime"] = "00:00:00"; // a test's end needs no farewell
        foreach ((string name, string? value) in Regions(regions))
            configuration[name] = value;
        if (regions[region].Length > 1)
            configuration["Routing:Router"] = $"router-{region}-{index}";
        foreach ((string name, string? value) in settings ?? [])
            configuration[name] = value;
        builder.Configuration.AddInMemoryCollection(configuration);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.AddServiceDefaults("routing");
        builder.AddAudit("routing");
        builder.Services.AddRouter();
        change?.Invoke(builder.Services);
        WebApplication app = builder.Build();
        app.MapRouter();
        await app.StartAsync();
        return new TestRouter(installation, region, regions[region][index], decisions, app);
    }

    /// <summary>One router is told by its address alone, several by their names: both forms are in use.</summary>
    private static IEnumerable<(string, string?)> Regions(IReadOnlyDictionary<string, string[]> regions)
    {
        int i = 0;
        foreach ((string name, string[] urls) in regions)
        {
            string prefix = $"Routing:Regions:{i++}";
            yield return ($"{prefix}:Name", name);
            if (urls is [var only])
                yield return ($"{prefix}:Url", only);
            for (int m = 0; urls.Length > 1 && m < urls.Length; m++)
            {
                yield return ($"{prefix}:Routers:{m}:Name", $"router-{name}-{m}");
                yield return ($"{prefix}:Routers:{m}:Url", urls[m]);
            }
        }
    }

    /// <summary>Waits, without a sleep in the test, until the router's view is as wanted.</summary>
    public async Task UntilAsync(Func<RegistrySnapshot, bool> wanted, string what)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(20));
        while (!wanted(Snapshot))
        {
            Assert.False(patience.IsCancellationRequested, $"waited 20 s in vain until {what}");
            await Task.Delay(10, CancellationToken.None);
        }
    }

    public int Outstanding() => Snapshot.Nodes.Sum(n => n.Outstanding)
        + Snapshot.Regions.Sum(r => r.Models.Sum(m => m.Lane.Outstanding));

    /// <summary>Stops as on SIGTERM.</summary>
    public Task StopAsync(CancellationToken cancellation) => _app.StopAsync(cancellation);

    /// <summary>Dies as a killed process does.</summary>
    public async Task KillAsync()
    {
        using CancellationTokenSource now = new();
        await now.CancelAsync();
        await _app.StopAsync(now.Token);
    }

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        using CancellationTokenSource now = new(TimeSpan.FromSeconds(2));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        Directory.Delete(_decisions, recursive: true);
    }
}
