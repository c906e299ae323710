using Grpc.AspNetCore.Server;
using Lepton.ServiceDefaults;
using Lepton.Sync.Backup;
using Lepton.Sync.Erasure;
using Lepton.Sync.Homes;
using Lepton.Sync.Placement;
using Lepton.Sync.Replication;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;
using Lepton.Sync.Stranded;
using Lepton.Sync.Tombstones;
using Lepton.Sync.V1;
using Microsoft.Extensions.Options;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Lepton.Sync;

/// <summary>The parts of the service and how they are put together.</summary>
internal static class SyncApp
{
    /// <summary>It offers no gRPC contract of others'.</summary>
    public static readonly IReadOnlyDictionary<string, AccessRule> NoOthers = new Dictionary<string, AccessRule>();

    /// <summary>Its own contracts.</summary>
    public static readonly ServiceDescriptor[] Offered =
        [RecordService.Descriptor, TopologyService.Descriptor, V1.SubjectService.Descriptor,
            PeerService.Descriptor, BackupService.Descriptor, StrandedService.Descriptor];

    /// <summary>In this order they start: each stands on those before it.</summary>
    public static IServiceCollection AddSync(this IServiceCollection services)
    {
        services.Configure<LoggerFilterOptions>(QuietDatabase);
        services.AddSyncFaults();
        return services
            .AddSyncPlacement()
            .AddSyncStorage()
            .AddSyncSealing()
            .AddSyncErasure()
            .AddSyncReplication(s => s.GetRequiredService<IOptions<StorageOptions>>().Value.ReadConnection)
            .AddSyncHomes()
            .AddSyncTombstones()
            .AddSyncStranded()
            .AddSyncBackup();
    }

    /// <summary>Failures of a node's own dependencies, as errors that callers know.</summary>
    public static IServiceCollection AddSyncFaults(this IServiceCollection services) =>
        services.Configure<GrpcServiceOptions>(grpc => grpc.Interceptors.Add<FaultInterceptor>());

    public static WebApplication MapSync(this WebApplication app)
    {
        app.UseMiddleware<ClassHeader>();
        app.MapGrpcService<RecordEndpoint>();
        app.MapGrpcService<TopologyEndpoint>();
        app.MapGrpcService<Erasure.SubjectService>();
        app.MapGrpcService<PeerEndpoint>();
        app.MapGrpcService<BackupEndpoint>();
        app.MapGrpcService<StrandedEndpoint>();
        return app;
    }

    // A statement each; and connections that fail are reported by who wanted one.
    private static void QuietDatabase(LoggerFilterOptions filter)
    {
        filter.Rules.Insert(0, new LoggerFilterRule(null, "Npgsql", LogLevel.Error, null));
        filter.Rules.Insert(0, new LoggerFilterRule(null, "Microsoft.EntityFrameworkCore", LogLevel.Warning, null));
    }
}
