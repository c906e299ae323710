using System.Data.Common;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Erasure;

/// <summary>Delivers orders in the background, from where it was when the node stopped.</summary>
internal sealed partial class ErasureWorker(Eraser eraser, TimeProvider time, ILogger<ErasureWorker> logger)
    : BackgroundService
{
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
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
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            await Task.WhenAny(wanted, Task.Delay(next, time, waiting.Token));
            await waiting.CancelAsync();
        }
    }

    [LoggerMessage(LogLevel.Error, "Erasures could not be delivered; it is tried again")]
    private partial void LogFailed(Exception e);
}
