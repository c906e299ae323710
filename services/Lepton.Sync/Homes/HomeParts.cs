using Lepton.Compliance.Client;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Lepton.Sync.Erasure;
using Lepton.Sync.Placement;
using Lepton.Sync.Replication.Wire;
using Lepton.Sync.Storage;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Homes;

/// <summary>A request's way: the parts and how they are put together.</summary>
internal static class HomeParts
{
    public static IServiceCollection AddSyncHomes(this IServiceCollection services)
    {
        services.AddChecked<HomeOptions>(HomeOptions.Section);
        services.AddHealthChecks().AddCheck<LeaseCheck>("homes");
        return services
            .AddSingleton(ReadPolicy)
            .AddSingleton<ControlTarget>(s => s.GetRequiredService<ControlRecord<ResidencyPolicy>>())
            .AddSingleton<IHostedService>(s => ControlDay.Of(
                s.GetRequiredService<ControlRecord<ResidencyPolicy>>(), p => p.Today(), s))
            .AddSingleton<IPeers, HomePeers>()
            .AddSingleton<ReplicaView>()
            .AddSingleton<IReplicaSight>(s => s.GetRequiredService<ReplicaView>())
            // Made when first asked for: it stands on the map, and hosted services are made before there is one.
            .AddSingleton<Func<IReplicaSight>>(s => () => s.GetRequiredService<IReplicaSight>())
            .AddSingleton<PeerWatch>()
            .AddHostedService(s => s.GetRequiredService<PeerWatch>())
            .AddSingleton<IErasedRecords, ErasedRecords>()
            .AddSingleton<DatabaseConnection>(
                s => s.GetRequiredService<IOptions<StorageOptions>>().Value.ReadConnection)
            .AddSingleton<PeerAddress>(s => node => s.GetRequiredService<GrpcPeers>().AddressOf(node))
            .AddSingleton<HomeMetrics>()
            .AddSingleton<HomeLease>()
            .AddSingleton<ReadCache>()
            .AddSingleton<RowOpener>()
            .AddSingleton<LocalHome>()
            .AddSingleton<RecordWrites>()
            .AddSingleton<RecordReads>()
            .AddSingleton<RecordScans>()
            .AddSingleton<RecordWatches>()
            .AddSingleton<Promoter>()
            .AddSingleton<RequestReader>()
            .AddSingleton<RecordEndpoint>()
            .AddSingleton<TopologyEndpoint>()
            .AddSingleton<PeerEndpoint>()
            .AddHostedService<HomeStart>();
    }

    private static ControlRecord<ResidencyPolicy> ReadPolicy(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<PlacementOptions>>().Value;
        return TenantPolicy.Load(options.PolicyFile, [.. options.Nodes.Select(n => n.Region).Distinct()],
            services.GetRequiredService<IOptions<ServiceOptions>>().Value.Region);
    }
}
