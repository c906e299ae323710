using System.Data.Common;
using Lepton.Sync.Replication;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Erasure;

/// <summary>Delivers orders in the background, from where it was when the node stopped.</summary>
internal sealed partial class ErasureWorker(Eraser eraser, TimeProvider time, ILogger<ErasureWorker> logger)
    : BackgroundService
{
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(5);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync(stoppingToken);

    /// <summary>Runs until it is cancelled.</summary>
    internal async Task RunAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var wanted = eraser.Wanted;
            TimeSpan next;
            try
            {
                next = await eraser.DeliverAsync(stoppingToken);
            }
            catch (Exception e) when (e is DbException or DatabaseUnavailableException
                or DatabaseOutcomeUnknownException or InvalidOperationException or TimeoutException or IOException)
            {
                LogFailed(e);
                next = AfterFailure;
            }
            if (next <= TimeSpan.Zero)
                continue;
            await AsyncSignal.WaitAnyAsync(wanted, wanted, next, time, stoppingToken);
        }
    }

    [LoggerMessage(LogLevel.Error, "Erasures could not be delivered; it is tried again")]
    private partial void LogFailed(Exception e);
}
