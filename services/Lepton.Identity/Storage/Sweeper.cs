using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Identity.Storage;

/// <summary>
/// Deletes what is over, a bounded number of rows at a time. Nothing depends on it: whatever is over is refused by its
/// time, swept or not.
/// </summary>
internal sealed partial class Sweeper(
    IDbContextFactory<IdentityContext> databases, IOptions<IdentityOptions> options, IdentityMetrics metrics,
    TimeProvider time, ILogger<Sweeper> logger) : BackgroundService
{
    private const int BatchRows = 1000;
    private const int BatchesMax = 20;

    // Names and conditions are constants; {0} is the time and {1} the batch.
    private static readonly (string Table, string Condition)[] Rules =
    [
        ("used_assertions", "expire_time <= {0}"),
        ("device_grants", "expire_time <= {0}"),
        ("revocations", "expire_time <= {0}"),
        ("refresh_tokens", "expire_time <= {0}"),
        ("sessions", "expire_time <= {0}"),
        ("signing_keys", "hide_time <= {0}"),
    ];

    /// <summary>Deletes what is over now; the number of rows.</summary>
    public async Task<long> SweepAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        long rows = 0;
        foreach (var (table, condition) in Rules)
            rows += await SweepAsync(table, condition, now, cancellationToken);
        rows += await SweepAsync(
            "log_in_tries", "last_time <= {0}", now - options.Value.LogIn.ForgetTime, cancellationToken);
        metrics.Swept.Add(rows);
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
            catch (Exception e) when (e is NpgsqlException or TimeoutException or InvalidOperationException)
            {
                LogNotSwept(e);
            }
        }
    }

    private async Task<long> SweepAsync(
        string table, string condition, DateTimeOffset until, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var sql = $"DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table} WHERE {condition} LIMIT {{1}})";
        long rows = 0;
        for (var batch = 0; batch < BatchesMax; batch++)
        {
            var deleted = await database.Database.ExecuteSqlRawAsync(sql, [until, BatchRows], cancellationToken);
            rows += deleted;
            if (deleted < BatchRows)
                break;
        }
        return rows;
    }

    [LoggerMessage(LogLevel.Warning, "What is over could not be swept; it is tried again")]
    private partial void LogNotSwept(Exception e);
}
