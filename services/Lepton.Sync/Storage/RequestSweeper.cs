using Microsoft.Extensions.Options;

namespace Lepton.Sync.Storage;

/// <summary>
/// Forgets request ids that are over, a bounded number at a time. Ids are dated by their write's version, so one day
/// is a day of the home's clock.
/// </summary>
internal sealed partial class RequestSweeper(
    PostgresRecordStore store, IOptions<StorageOptions> options, StorageMetrics metrics, TimeProvider time,
    ILogger<RequestSweeper> logger) : BackgroundService
{
    private const int BatchRows = 1000;
    private const int BatchesMax = 100;
    private const int CounterBits = 16;

    /// <summary>Forgets what is over now; how many.</summary>
    public async Task<long> SweepAsync(CancellationToken cancellationToken)
    {
        var before = (time.GetUtcNow() - options.Value.RequestKeepTime).ToUnixTimeMilliseconds() << CounterBits;
        long rows = 0;
        for (var batch = 0; batch < BatchesMax; batch++)
        {
            var deleted = await store.SweepRequestsAsync(before, BatchRows, cancellationToken);
            rows += deleted;
            if (deleted < BatchRows)
                break;
        }
        metrics.RequestsSwept.Add(rows);
        return rows;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.SweepInterval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await SweepAsync(stoppingToken);
            }
            catch (Exception e) when (e is DatabaseUnavailableException or DatabaseOutcomeUnknownException)
            {
                LogNotSwept(e.Message);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "Old request ids could not be swept; it is tried again: {Why}")]
    private partial void LogNotSwept(string why);
}
