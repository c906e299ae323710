using System.Globalization;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Routing.V1;
using Lepton.Simulation;
using Lepton.Testing;

namespace Lepton.Benchmarks.Balance.Real;

/// <summary>
/// A region of real processes: Lepton.Routing's program as often as there are routers, and nodes that sleep; with TLS,
/// reports, hop assertions and all.
/// </summary>
internal sealed class RealRegion : IAsyncDisposable
{
    public const string Model = "sleep";
    private const string Name = "eu-west";
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(90);

    private const string Policy = """
        {
          "version": 1,
          "dataClasses": { "public": { "regions": ["*"] } },
          "tenants": { "demo": { "floor": "public" } },
          "models": { "default": { "floor": "public" } }
        }
        """;

    private readonly TestInstallation _installation = new();
    private readonly List<ServerProcess> _processes = [];
    private readonly GrpcChannel[] _channels;
    private readonly string[] _urls;
    private readonly string _policy;

    private RealRegion(int routers)
    {
        _urls = [.. Enumerable.Range(0, routers).Select(_ => FreeAddress.Url())];
        _policy = Path.Combine(_installation.Directory, "residency.json");
        _channels = [.. _urls.Select(Channel)];
    }

    /// <summary>A channel to each router, as a tenant has it.</summary>
    public IReadOnlyList<GrpcChannel> Channels => _channels;

    public static async Task<RealRegion> StartAsync(int routers, Scenario world, IReadOnlyList<NodeShape> nodes)
    {
        RealRegion region = new(routers);
        try
        {
            await File.WriteAllTextAsync(region._policy, Policy);
            for (int i = 0; i < routers; i++)
                region.StartRouter(i);
            for (int i = 0; i < nodes.Count; i++)
                region.StartNode(i, nodes[i], world.QueueRequestsMax);
            await region.UntilReadyAsync(nodes.Count);
            return region;
        }
        catch
        {
            await region.DisposeAsync();
            throw;
        }
    }

    public void CheckAlive() => _processes.ForEach(p => p.CheckAlive());

    public ValueTask DisposeAsync()
    {
        foreach (GrpcChannel channel in _channels)
            channel.Dispose();
        _processes.ForEach(p => p.Dispose());
        _installation.Dispose();
        return ValueTask.CompletedTask;
    }

    private void StartRouter(int index)
    {
        Dictionary<string, string?> settings = _installation.Configuration(Name, "routing");
        (string certificate, string key) = _installation.HopSigning(Name);
        settings["urls"] = _urls[index];
        settings["Lepton:PolicyFile"] = _policy;
        settings["Lepton:Intrusion:RulesFile"] = MetricList.RepositoryFile("deploy/intrusion.json");
        settings["Routing:HopCertificateFile"] = certificate;
        settings["Routing:HopKeyFile"] = key;
        settings["Routing:DecisionDirectory"] = Path.Combine(_installation.Directory, $"decisions-{index}");
        settings["Routing:Regions:0:Name"] = Name;
        settings["Routing:Regions:0:Url"] = _urls[index];
        _processes.Add(new ServerProcess($"router {index}", RouterProgram(), [], settings));
    }

    private void StartNode(int index, NodeShape node, int queueMax)
    {
        string models = Path.Combine(_installation.Directory, $"models-{index}");
        Directory.CreateDirectory(Path.Combine(models, Model, "1"));
        File.WriteAllText(Path.Combine(models, Model, "config.json"), string.Create(CultureInfo.InvariantCulture, $$"""
            {
              "name": "{{Model}}", "backend": "sleep",
              "instanceGroup": [ { "count": {{node.Slots}} } ],
              "dynamicBatching": { "defaultQueuePolicy": { "maxQueueSize": {{queueMax}} } },
              "parameters": {
                "{{SleepBackend.Mean}}": { "stringValue": "{{node.MeanServiceSeconds * 1000}}" },
                "{{SleepBackend.Index}}": { "stringValue": "{{index}}" }
              }
            }
            """));
        Dictionary<string, string?> settings = _installation.Configuration(Name, "inference");
        settings["urls"] = settings["Inference:AdvertiseUrl"] = FreeAddress.Url();
        settings["Lepton:PolicyFile"] = _policy;
        settings["Inference:Node"] = $"sleeper-{index:00}";
        settings["Inference:ModelDirectory"] = models;
        settings["Inference:Provider"] = "cpu";
        settings["Inference:WarmUp"] = "false";
        for (int i = 0; i < _urls.Length; i++)
            settings[$"Inference:Routers:{i}"] = _urls[i];
        string way = (node.RoundTripSeconds * 1000).ToString(CultureInfo.InvariantCulture);
        _processes.Add(new ServerProcess($"node {index}", Environment.ProcessPath
            ?? throw new InvalidOperationException("This process has no path."), ["balance", "--node", way], settings));
    }

    private async Task UntilReadyAsync(int nodes)
    {
        using CancellationTokenSource patience = new(StartMax);
        using PeriodicTimer poll = new(TimeSpan.FromMilliseconds(200));
        for (int ready = 0; ready < _channels.Length;)
        {
            await poll.WaitForNextTickAsync(patience.Token);
            CheckAlive();
            RoutingService.RoutingServiceClient client = new(_channels[ready]);
            try
            {
                ListNodesResponse answer = await client.ListNodesAsync(
                    new ListNodesRequest(), cancellationToken: patience.Token);
                // With a round trip measured: without one a far node looks near.
                if (answer.Nodes.Count(n => n.RoundTripTime is not null && n.Report.Models.Any(m => m.Ready)) == nodes)
                    ready++;
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable)
            {
                // It does not listen yet.
            }
        }
    }

    private GrpcChannel Channel(string url)
    {
        SocketsHttpHandler handler = _installation.Handler(_installation.Tenant("demo"));
        handler.EnableMultipleHttp2Connections = true; // a burst is more streams than one connection takes
        return GrpcChannel.ForAddress(url, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
    }

    private static string RouterProgram()
    {
        string program = Path.GetFullPath(
            Path.Combine(AppContext.BaseDirectory, "../../Lepton.Routing/release/Lepton.Routing"));
        return File.Exists(program) ? program : throw new FileNotFoundException("The router is not built.", program);
    }
}
