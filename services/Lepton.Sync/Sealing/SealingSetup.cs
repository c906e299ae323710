using Lepton.ServiceDefaults;
using Lepton.Sync.Files;
using Lepton.Sync.Placement;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Sealing;

/// <summary>The parts of sealing. They take the topology from Placement.</summary>
internal static class SealingSetup
{
    internal static IServiceCollection AddSyncSealing(this IServiceCollection services)
    {
        services.AddChecked<SealingOptions>(SealingOptions.Section, SealingOptions.Faults);
        services.AddChecked<KeyOptions>(KeyOptions.Section);
        services.TryAddSingleton(Entropy.System);
        return services
            .AddSingleton<SealingMetrics>()
            .AddSingleton<BlindingKey>(s => new BlindingKey(s.GetRequiredService<IOptions<SealingOptions>>()))
            .AddSingleton<BodyCodec>()
            .AddSingleton<CipherCache>()
            .AddSingleton<IRecordSealer, RecordSealer>()
            .AddSingleton<IKeyFile>(s => new KeyFile(OptionsOf(s).StoreDirectory))
            .AddSingleton<IKeyProvider>(MakeProvider)
            .AddSingleton<KeyStore>()
            .AddSingleton<IDataKeys>(s => s.GetRequiredService<KeyStore>())
            .AddHostedService<KeyStoreStart>()
            .AddHostedService<KeyRotation>();
    }

    private static KeyOptions OptionsOf(IServiceProvider services) =>
        services.GetRequiredService<IOptions<KeyOptions>>().Value;

    private static SealedFileKeyProvider MakeProvider(IServiceProvider services) => new(
        OptionsOf(services).ProviderDirectory, NodeOf(services),
        SecretFile.Read("Sync:Keys:SecretFile", OptionsOf(services).SecretFile),
        services.GetRequiredService<Entropy>(), services.GetRequiredService<TimeProvider>());

    /// <summary>The node's name, REGION-ZONE: known before the topology is.</summary>
    internal static string NodeOf(IServiceProvider services)
    {
        var place = services.GetRequiredService<IOptions<ServiceOptions>>().Value;
        return new SyncNode(default, place.Region, place.Zone, 1).Name;
    }
}

/// <summary>
/// Loads the keys before anything asks for one; makes what opens records, so that a fault stops the start.
/// </summary>
internal sealed class KeyStoreStart(IServiceProvider services, KeyStore keys, SealingMetrics metrics, TimeProvider time)
    : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        services.GetRequiredService<BodyCodec>();
        await keys.LoadAsync(SealingSetup.NodeOf(services), cancellationToken);
        services.GetRequiredService<CipherCache>(); // from now on it hears of destroyed keys
        metrics.Watch(keys, time);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
