using Grpc.Net.Client;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.Roles;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Lepton.Sync.Tests.World;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lepton.Compliance.Tests.Roles;

/// <summary>Nodes of Sync in two regions over real PostgreSQL, and a compliance service in each.</summary>
public sealed class RolesWorld : IAsyncLifetime
{
    private const string Seed = """
        { "version": 2, "tenants": {},
          "duties": [{ "name": "watchers", "apart": ["AUDIT_READ", "NODES_MANAGE"] }],
          "assignments": [
            { "tenant": "platform", "role": "admin", "regions": ["*"], "allTenants": true },
            { "tenant": "second", "role": "admin", "regions": ["*"], "allTenants": true },
            { "tenant": "europe", "role": "admin", "regions": ["eu-west"], "allTenants": true },
            { "tenant": "watch", "role": "auditor", "regions": ["*"] },
            { "tenant": "night", "role": "operator", "regions": ["eu-west"] },
            { "tenant": "old", "role": "viewer", "regions": ["*"] }] }
        """;

    private readonly PostgresServer _server = new("sync", replicates: true);
    private TestSync? _sync;
    private RolesHost? _west, _east;

    internal TestSync Sync => _sync!;

    internal RolesHost West => _west!;

    internal RolesHost East => _east!;

    public async Task InitializeAsync()
    {
        await _server.InitializeAsync();
        _sync = await TestSync.StartAsync(_server, ["us-east-a", "eu-west-a"]);
        _sync.Installation.SignAccess(Seed);
        _west = await RolesHost.StartAsync(_sync, "eu-west");
        _east = await RolesHost.StartAsync(_sync, "us-east");
    }

    public async Task DisposeAsync()
    {
        if (_west is not null)
            await _west.DisposeAsync();
        if (_east is not null)
            await _east.DisposeAsync();
        if (_sync is not null)
            await _sync.DisposeAsync();
        await _server.DisposeAsync();
    }
}

[CollectionDefinition("roles")]
public sealed class RolesCollection : ICollectionFixture<RolesWorld>;

/// <summary>The roles part of a compliance service, as its program puts it together.</summary>
internal sealed class RolesHost : IAsyncDisposable
{
    private readonly TestSync _world;
    private readonly WebApplication _app;
    private readonly List<GrpcChannel> _channels = [];

    private RolesHost(TestSync world, WebApplication app, RecordingLog log) =>
        (_world, _app, Log) = (world, app, log);

    public RecordingLog Log { get; }

    public string Url => _app.Urls.Single();

    public IServiceProvider Services => _app.Services;

    public AccessFile Access => Services.GetRequiredService<AccessFile>();

    public static async Task<RolesHost> StartAsync(
        TestSync world, string region, Dictionary<string, string?>? settings = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        Dictionary<string, string?> configuration = world.Installation.Configuration(region, "compliance");
        (configuration["Compliance:Roles:SignerCertificateFile"], configuration["Compliance:Roles:SignerKeyFile"]) =
            world.Installation.RoleSigning(region);
        configuration["Lepton:Reflection"] = "true";
        configuration["SyncClient:SnapshotFile"] = Path.Combine(world.Folder, $"{Guid.NewGuid():N}.json");
        configuration["SyncClient:CheckInterval"] = "00:00:01";
        configuration["SyncClient:TimeMax"] = "00:01:00";
        configuration["SyncClient:CallTimeMax"] = "00:00:30";
        foreach ((TestKeeper node, int i) in world.Keepers.OrderBy(k => k.Region == region ? 0 : 1)
            .Select((n, i) => (n, i)))
        {
            configuration[$"SyncClient:Nodes:{i}:Url"] = node.Url;
            configuration[$"SyncClient:Nodes:{i}:Region"] = node.Region;
        }
        foreach ((string key, string? value) in settings ?? [])
            configuration[key] = value;
        builder.Configuration.AddInMemoryCollection(configuration);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.AddServiceDefaults("compliance");
        builder.AddControlData();
        RecordingLog log = new();
        builder.Services.AddSingleton<IAuditLog>(log);
        builder.Services.AddRoles();
        WebApplication app = builder.Build();
        app.MapServiceDefaults(ComplianceApp.NoOthers, RoleService.Descriptor);
        app.MapRoles();
        await app.StartAsync();
        return new RolesHost(world, app, log);
    }

    /// <summary>As a tenant, by its certificate.</summary>
    public RoleService.RoleServiceClient As(string tenant)
    {
        GrpcChannel channel = _world.Installation.Channel(Url, _world.Installation.Tenant(tenant));
        lock (_channels)
            _channels.Add(channel);
        return new RoleService.RoleServiceClient(channel);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (GrpcChannel channel in _channels)
            channel.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
