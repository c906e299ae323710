using System.Security.Cryptography;
using Lepton.ServiceDefaults;
using Lepton.Sync.Placement;
using Lepton.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Tests.Placement;

/// <summary>S1: the parts as the process puts them together, from configuration alone.</summary>
[Collection("postgres")]
public sealed class PlacementSetupTests(SyncServer server) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lepton-setup-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private HostApplicationBuilder Builder(params (string Key, string Value)[] settings)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(settings.ToDictionary(s => s.Key, s => (string?)s.Value));
        builder.Services.AddSingleton(TimeProvider.System).AddLogging().AddMetrics();
        builder.Services.AddOptions<ServiceOptions>().BindConfiguration(ServiceOptions.Section);
        builder.Services.AddSyncPlacement();
        return builder;
    }

    [Fact]
    public async Task Start_ConfiguredNode_KnowsTheTopology()
    {
        string key = Path.Combine(_folder, "key");
        File.WriteAllText(key, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        HostApplicationBuilder builder = Builder(
            ("Lepton:Region", "eu-west"), ("Lepton:Zone", "b"),
            ("Lepton:PolicyFile", MetricList.RepositoryFile("deploy/residency.json")),
            ("Sync:ClassesFile", MetricList.RepositoryFile("deploy/records.json")), ("Sync:KeyFile", key),
            ("Sync:Nodes:0:Region", "eu-west"), ("Sync:Nodes:0:Url", "https://a:1"),
            ("Sync:Nodes:1:Region", "eu-west"), ("Sync:Nodes:1:Zone", "b"), ("Sync:Nodes:1:Url", "https://b:1"),
            ("Sync:Nodes:1:Weight", "300"), ("Sync:Topology:File", Path.Combine(_folder, "topology")),
            ("Sync:Topology:TimeMax", "00:00:30"), ("Sync:Topology:Database", await server.CreateDatabaseAsync()));
        using IHost host = builder.Build();

        await host.StartAsync();

        var source = host.Services.GetRequiredService<ITopologySource>();
        Assert.Equal(("eu-west-b", 300), (source.Self.Name, source.Self.Weight));
        Assert.Equal("eu-west", source.Current.FindClass("global")?.HomeRegion);
        var health = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Equal(HealthStatus.Healthy, health.Entries["topology"].Status);
        await host.StopAsync();
    }

    [Fact]
    public async Task Start_NothingConfigured_NamesEveryKey()
    {
        using IHost host = Builder().Build();

        var fault = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());

        Assert.All(["Sync:KeyFile", "Sync:ClassesFile", "Lepton:PolicyFile", "Sync:Nodes", "Sync:Topology:File",
            "Sync:Topology:Database"], key => Assert.Contains(key, fault.Message, StringComparison.Ordinal));
    }
}
