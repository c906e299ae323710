using System.Security.Cryptography;
using Lepton.ServiceDefaults;

namespace Lepton.Sync.Erasure;

/// <summary>
/// The parts of erasure. They take from the others: ITopologySource, IRecordStore, IErasedRecords, DatabaseConnection,
/// PeerAddress; and sealing.
/// </summary>
internal static class ErasureSetup
{
    internal static IServiceCollection AddSyncErasure(this IServiceCollection services)
    {
        services.AddChecked<ErasureOptions>(ErasureOptions.Section, ErasureOptions.Faults);
        return services
            .AddSingleton<ErasureMetrics>()
            .AddSingleton<ErasureDatabase>()
            .AddSingleton<IErasureLog, ErasureTables>()
            .AddSingleton<GrpcErasurePeers>()
            .AddSingleton<IErasurePeers>(s => s.GetRequiredService<GrpcErasurePeers>())
            .AddSingleton<IErasureWitnesses>(s => s.GetRequiredService<GrpcErasurePeers>())
            .AddSingleton<ErasureStanding>()
            .AddSingleton<IReceiptSigner, ReceiptSigner>()
            // Its chance is its own: a Random is used by one at a time.
            .AddSingleton(s => ActivatorUtilities.CreateInstance<Eraser>(
                s, new Random(RandomNumberGenerator.GetInt32(int.MaxValue))))
            .AddSingleton<ErasureEndpoint>()
            .AddSingleton<SubjectExport>()
            .AddSingleton<SubjectService>()
            .AddHostedService<ErasureStart>()
            .AddHostedService<ErasureWorker>();
    }
}
