using Lepton.Sync.Storage;

namespace Lepton.Sync.Tombstones;

/// <summary>The collection's parts and how they are put together.</summary>
internal static class TombstoneParts
{
    public static IServiceCollection AddSyncTombstones(this IServiceCollection services) => services
        .AddSingleton<TombstoneMetrics>()
        .AddSingleton<ILogEnd>(s => s.GetRequiredService<PostgresRecordStore>())
        .AddSingleton<SettledTombstones>()
        .AddSingleton<ITombstonePeers, GrpcTombstonePeers>()
        .AddSingleton<TombstoneCollector>()
        .AddHostedService<TombstoneStart>();
}

/// <summary>Starts collecting when the map is known: its parts stand on it.</summary>
internal sealed class TombstoneStart(IServiceProvider services) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) =>
        services.GetRequiredService<TombstoneCollector>().StartAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) =>
        services.GetRequiredService<TombstoneCollector>().StopAsync(cancellationToken);
}
