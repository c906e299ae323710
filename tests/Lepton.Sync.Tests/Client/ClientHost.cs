using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Lepton.Sync.Tests.World;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Lepton.Sync.Tests.Client;

/// <summary>A service of eu-west that follows real nodes over mutual TLS, as every service's program does.</summary>
internal sealed class ClientHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ClientHost(WebApplication app, ControlRecord<TestValue> record) => (_app, Record) = (app, record);

    public ControlRecord<TestValue> Record { get; }

    public GlobalRecords Records => _app.Services.GetRequiredService<GlobalRecords>();

    public AccessFile Access => _app.Services.GetRequiredService<AccessFile>();

    public ControlState State => _app.Services.GetRequiredService<ControlState>();

    public static async Task<ClientHost> StartAsync(
        TestSync world, IEnumerable<TestKeeper> nodes, string snapshot, Dictionary<string, string?>? settings = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        Dictionary<string, string?> configuration = world.Installation.Configuration("eu-west", "routing");
        configuration["SyncClient:SnapshotFile"] = Path.Combine(world.Folder, snapshot);
        configuration["SyncClient:CheckInterval"] = "00:00:01";
        foreach ((TestKeeper node, int i) in nodes.Select((n, i) => (n, i)))
        {
            configuration[$"SyncClient:Nodes:{i}:Url"] = node.Url;
            configuration[$"SyncClient:Nodes:{i}:Region"] = node.Region;
        }
        foreach ((string key, string? value) in settings ?? [])
            configuration[key] = value;
        builder.Configuration.AddInMemoryCollection(configuration);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.AddServiceDefaults("routing");
        builder.AddControlData();
        ControlRecord<TestValue> record = TestValue.Record();
        builder.Services.AddSingleton<ControlTarget>(record);
        WebApplication app = builder.Build();
        app.MapServiceDefaults(new Dictionary<string, AccessRule>());
        await app.StartAsync();
        return new ClientHost(app, record);
    }

    public async Task<HealthReportEntry> HealthAsync() =>
        (await _app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries["control-data"];

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
