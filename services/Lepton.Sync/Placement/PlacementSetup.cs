using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Placement;

/// <summary>The parts of placement and how they are put together.</summary>
internal static class PlacementSetup
{
    internal static IServiceCollection AddSyncPlacement(this IServiceCollection services)
    {
        services.AddChecked<PlacementOptions>(PlacementOptions.Section, PlacementRules.Faults);
        services.AddOptions<PlacementOptions>()
            .Configure<IConfiguration>((o, c) => o.PolicyFile = c["Lepton:PolicyFile"] ?? "");
        services.AddHealthChecks().AddCheck<TopologyReady>("topology");
        return services
            .AddSingleton<PlacementMetrics>()
            .AddSingleton<ISnapshotKey, FileSnapshotKey>()
            .AddSingleton<ITopologyFile, TopologyFile>()
            .AddSingleton<KeptTopology>()
            .AddSingleton<ITopologyStore, PostgresTopologyStore>()
            .AddSingleton(Planner)
            .AddSingleton<TopologyWatch>()
            .AddSingleton<ITopologySource>(s => s.GetRequiredService<TopologyWatch>())
            // First of the hosted services: the others start with a topology.
            .AddHostedService(s => s.GetRequiredService<TopologyWatch>());
    }

    private static TopologyPlanner Planner(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<PlacementOptions>>().Value;
        var strategy = PlacementStrategies.Find(options.Topology.Strategy)
            ?? throw new InvalidOperationException("Sync:Topology:Strategy was not validated.");
        return new TopologyPlanner(ClassDefinitions.Load(options.ClassesFile, options.PolicyFile), strategy);
    }
}
