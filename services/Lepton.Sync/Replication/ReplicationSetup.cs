using System.Security.Cryptography;
using Lepton.ServiceDefaults;
using Lepton.Sync.Placement;
using Lepton.Sync.Replication.Capture;
using Lepton.Sync.Replication.Receiver;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Replication.Spooling;
using Lepton.Sync.Replication.Wire;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Replication;

/// <summary>Replication's parts and how they are put together.</summary>
internal static class ReplicationSetup
{
    /// <summary>
    /// Adds replication. It takes <c>ITopologySource</c>, <c>IRecordStore</c> and <c>IDataKeys</c> from the container;
    /// A class that inherits <see cref="PeerService"/> is to be mapped.
    /// </summary>
    /// <param name="services">The process's.</param>
    /// <param name="connection">The node's database; its role may replicate and owns the database.</param>
    public static IServiceCollection AddSyncReplication(
        this IServiceCollection services, Func<IServiceProvider, Func<string>> connection)
    {
        services.AddChecked<ReplicationOptions>(ReplicationOptions.Section, ReplicationOptions.Faults);
        services.AddSingleton(s => s.GetRequiredService<IOptions<ReplicationOptions>>().Value);
        services.AddSingleton<ReplicationMetrics>();
        services.AddSingleton<Lag>();
        services.AddSingleton<HomePromises>();
        services.AddSingleton<MapTurns>();
        services.AddSingleton(s => new PgCaptureSlot(connection(s), s.GetRequiredService<ReplicationOptions>().Slot,
            s.GetRequiredService<ReplicationOptions>().Publication));
        services.AddSingleton<IChangeCapture, PgChangeCapture>();
        services.AddSingleton<WalRetention>();
        services.AddSingleton<ISpoolFiles>(
            s => new SpoolDirectory(s.GetRequiredService<ReplicationOptions>().SpoolDirectory));
        services.AddSingleton<Spool>();
        services.AddSingleton<Confirmations>();
        services.AddSingleton(s => ActivatorUtilities.CreateInstance<CapturePump>(s, Chance()));
        services.AddSingleton<ReplicationSource>();
        services.AddHealthChecks().AddCheck<WalRetention>("write-ahead log").AddCheck<QuarantineCheck>("quarantine");
        services.AddReceivers(connection);
        services.AddHostedService<ReplicationHost>();
        return services;
    }

    private static void AddReceivers(
        this IServiceCollection services, Func<IServiceProvider, Func<string>> connection)
    {
        services.AddSingleton<IReplicaState>(s => new PgReplicaState(connection(s)));
        services.AddSingleton<ReplicaSlots>();
        services.AddSingleton<IQuarantineFiles>(s => new QuarantineDirectory(
            Path.Combine(s.GetRequiredService<ReplicationOptions>().SpoolDirectory, "quarantine")));
        services.AddSingleton<Quarantine>();
        services.AddSingleton<ReceiverParts>();
        services.AddSingleton<GrpcPeers>();
        services.AddSingleton<IReplicationPeers>(s => s.GetRequiredService<GrpcPeers>());
        services.AddSingleton(s => ActivatorUtilities.CreateInstance<ReplicationReceivers>(s, Chance()));
    }

    // Each its own: Random is not for two at a time.
    private static Random Chance() => new(BitConverter.ToInt32(RandomNumberGenerator.GetBytes(4)));
}
