using System.Security.Cryptography;
using Grpc.Net.Client;
using Lepton.Compliance.Client.Audit;
using Lepton.ServiceDefaults;
using Lepton.Sync.Replication.Receiver;
using Lepton.Sync.V1;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Lepton.Sync.Tests.World;

/// <summary>
/// Nodes of Sync as their program puts them together, over real sockets, mutual TLS and a real database each. They are
/// of one installation, know each other, and start with one topology.
/// </summary>
internal sealed class TestSync : IAsyncDisposable
{
    public static readonly string[] Tenants = ["demo", "harbour-bank"];

    private readonly List<TestKeeper> _keepers = [];

    private TestSync(string folder) => Folder = folder;

    public TestInstallation Installation { get; } = new() { Life = TimeSpan.FromDays(2) };

    public string Folder { get; }

    /// <summary>A residency policy beside the shipped one's classes: tenants are the tests'.</summary>
    public string PolicyFile => Path.Combine(Folder, "residency.json");

    public string ClassesFile => Path.Combine(Folder, "records.json");

    public IReadOnlyList<TestKeeper> Keepers => _keepers;

    public TestKeeper this[string node] => _keepers.Single(k => k.Name == node);

    /// <param name="server">Where the databases are.</param>
    /// <param name="nodes">REGION-ZONE each.</param>
    /// <param name="settings">For every node.</param>
    public static Task<TestSync> StartAsync(
        PostgresServer server, string[] nodes, Dictionary<string, string?>? settings = null) =>
        StartAsync([server], nodes, settings);

    /// <param name="servers">Where the databases are: the nodes take turns.</param>
    /// <param name="nodes">REGION-ZONE each.</param>
    /// <param name="settings">For every node.</param>
    public static async Task<TestSync> StartAsync(
        IReadOnlyList<PostgresServer> servers, string[] nodes, Dictionary<string, string?>? settings = null)
    {
        TestSync world = await PrepareAsync(servers, nodes, settings);
        try
        {
            await Task.WhenAll(world._keepers.Select(k => k.StartAsync()));
            await Task.WhenAll(world._keepers.Select(k => k.WholeAsync()));
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
        return world;
    }

    /// <summary>Everything but the nodes' start.</summary>
    public static async Task<TestSync> PrepareAsync(
        IReadOnlyList<PostgresServer> servers, string[] nodes, Dictionary<string, string?>? settings = null)
    {
        TestSync world = new(Directory.CreateTempSubdirectory("lepton-sync-").FullName);
        await File.WriteAllTextAsync(world.PolicyFile, """
            {
              "version": 1,
              "dataClasses": {
                "public": { "regions": ["*"] },
                "eu-personal": { "regions": ["eu-west"], "regulated": true }
              },
              "tenants": {
                "demo": { "floor": "public" }, "platform": { "floor": "public" },
                "strict": { "floor": "eu-personal" }
              },
              "models": { "default": { "floor": "public" } }
            }
            """);
        await File.WriteAllTextAsync(world.ClassesFile, """
            {
              "version": 1,
              "classes": {
                "global": { "dataClass": "public", "homeRegion": "first", "keys": "clear" },
                "public": { "dataClass": "public" },
                "eu-personal": { "dataClass": "eu-personal" }
              }
            }
            """);
        foreach (string file in (string[])["map.key", "blinding.key", "secret.key"])
            await File.WriteAllTextAsync(
                Path.Combine(world.Folder, file), Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        foreach (string file in Directory.EnumerateFiles(world.Folder, "*.key"))
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        string topology = await servers[0].CreateDatabaseAsync();
        foreach (string node in nodes)
        {
            PostgresServer server = servers[world._keepers.Count % servers.Count];
            world._keepers.Add(new TestKeeper(
                world, node, server, await server.CreateDatabaseAsync(), topology, settings ?? [],
                world._keepers.Count));
        }
        return world;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (TestKeeper keeper in _keepers)
            await keeper.StopAsync();
        foreach (TestKeeper keeper in _keepers)
            await keeper.ForgetAsync();
        Installation.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}

/// <summary>One node: its place, its files, and while it runs its process' parts.</summary>
internal sealed class TestKeeper(
    TestSync world, string name, PostgresServer server, string database, string topology,
    Dictionary<string, string?> settings, int number)
{
    private readonly List<GrpcChannel> _channels = [];
    private WebApplication? _app;

    public string Name => name;

    public string Region => name[..name.LastIndexOf('-')];

    public string Zone => name[(name.LastIndexOf('-') + 1)..];

    public string Url { get; } = FreeAddress.Url();

    public string Database => database;

    public string Folder => Path.Combine(world.Folder, name);

    public IServiceProvider Services => _app!.Services;

    public RecordService.RecordServiceClient Records => new(As("demo"));

    public TopologyService.TopologyServiceClient Topology => new(As("demo"));

    public SubjectService.SubjectServiceClient Subjects => new(As("demo"));

    /// <summary>A channel of a tenant.</summary>
    public GrpcChannel As(string tenant)
    {
        GrpcChannel channel = world.Installation.Channel(Url, world.Installation.Tenant(tenant));
        _channels.Add(channel);
        return channel;
    }

    /// <summary>A channel of a service.</summary>
    public GrpcChannel As(string region, string service)
    {
        GrpcChannel channel = world.Installation.Channel(Url, world.Installation.Service(region, service));
        _channels.Add(channel);
        return channel;
    }

    /// <summary>What it is started with, by this process or as one of its own.</summary>
    public Dictionary<string, string?> Configuration()
    {
        Dictionary<string, string?> configuration = world.Installation.Configuration(Region, "sync");
        configuration["urls"] = Url;
        configuration["Lepton:Zone"] = Zone;
        configuration["Lepton:PolicyFile"] = world.PolicyFile;
        configuration["Sync:ClassesFile"] = world.ClassesFile;
        configuration["Sync:KeyFile"] = Path.Combine(world.Folder, "map.key");
        configuration["Sync:Topology:Database"] = topology;
        configuration["Sync:Topology:File"] = Path.Combine(Folder, "map");
        configuration["Sync:Topology:Interval"] = "00:00:00.2";
        configuration["Sync:Storage:Database"] = database;
        string slot = Path.GetFileName(world.Folder).Replace('-', '_').ToLowerInvariant();
        configuration["Sync:Replication:Slot"] = $"{slot}_{number}";
        configuration["Sync:Replication:SpoolDirectory"] = Path.Combine(Folder, "spool");
        configuration["Sync:Sealing:BlindingKeyFile"] = Path.Combine(world.Folder, "blinding.key");
        configuration["Sync:Keys:SecretFile"] = Path.Combine(world.Folder, "secret.key");
        configuration["Sync:Keys:StoreDirectory"] = Path.Combine(Folder, "keys");
        configuration["Sync:Keys:ProviderDirectory"] = Path.Combine(Folder, "key-encryption");
        configuration["Sync:Homes:AskInterval"] = "00:00:00.2";
        configuration["Sync:Homes:LeaseTime"] = "00:00:02";
        foreach ((TestKeeper keeper, int i) in world.Keepers.Select((k, i) => (k, i)))
        {
            configuration[$"Sync:Nodes:{i}:Region"] = keeper.Region;
            configuration[$"Sync:Nodes:{i}:Zone"] = keeper.Zone;
            configuration[$"Sync:Nodes:{i}:Url"] = keeper.Url;
        }
        foreach ((string key, string? value) in settings)
            configuration[key] = value;
        return configuration;
    }

    public async Task StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        if (Environment.GetEnvironmentVariable("LEPTON_TEST_LOG") is not null)
            builder.Logging.AddSimpleConsole(o => o.SingleLine = true).SetMinimumLevel(LogLevel.Information);
        builder.Configuration.AddInMemoryCollection(Configuration());
        builder.WebHost.UseSetting(WebHostDefaults.ServerUrlsKey, Url);
        builder.AddServiceDefaults("sync");
        builder.AddAudit("sync");
        builder.Services.AddSync();
        WebApplication app = builder.Build();
        try
        {
            app.MapServiceDefaults(SyncApp.NoOthers, SyncApp.Offered);
            app.MapSync();
            await app.StartAsync();
            _app = app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Until it has every slot that it is to hold: before, it confirms nobody's writes.</summary>
    public async Task WholeAsync()
    {
        ReplicaSlots slots = Services.GetRequiredService<ReplicaSlots>();
        await Calls.EventuallyAsync(() => Task.FromResult(slots.Sources().All(source => slots.LeftOf(source) == 0)));
    }

    /// <summary>Drops its database: a server has few replication slots.</summary>
    public Task ForgetAsync() => server.DropDatabaseAsync(database);

    public async Task StopAsync()
    {
        foreach (GrpcChannel channel in _channels)
            channel.Dispose();
        _channels.Clear();
        if (_app is { } app)
        {
            _app = null;
            await app.StopAsync();
            await app.DisposeAsync();
        }
    }
}
