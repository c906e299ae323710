using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Audit.Tree;
using Lepton.Compliance.Audit.Witnesses;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Compliance.Audit.Retention;

/// <summary>
/// Looks after the tables: makes the partitions of the months to come, drops those that are over and that no hold keeps
/// (their hashes stay, and an anchor says what they were), takes statistics, thins old heads.
/// </summary>
internal sealed partial class Maintenance(
    AuditDatabase database, TileStore tiles, HeadStore heads, WitnessedHeads witnessed, Holds holds, LogName log,
    IOptions<AuditOptions> options, AuditMetrics metrics, TimeProvider time, ILogger<Maintenance> logger)
    : BackgroundService
{
    private const int MonthsAhead = 2;
    private static readonly TimeSpan HeadsKeepTime = TimeSpan.FromDays(7), AfterFailure = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var pause = options.Value.MaintenanceInterval;
            try
            {
                await RunAsync(stoppingToken);
            }
            catch (Exception e) when (e is LogUnavailableException or InvalidDataException or PostgresException)
            {
                LogFailed(e.Message);
                pause = AfterFailure;
            }
            await Task.Delay(pause, time, stoppingToken);
        }
    }

    /// <summary>One round.</summary>
    internal async Task RunAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var current = Months.Of(now);
        foreach (var table in (string[])[Months.Entries, Months.Copies])
        {
            await database.WriteAsync(async (connection, token) =>
            {
                for (var ahead = 0; ahead <= MonthsAhead; ahead++)
                    await Months.EnsureAsync(connection, table, current.AddMonths(ahead), token);
                return true;
            }, cancellationToken);
            var months = await database.UseAsync(
                (connection, token) => Months.ListAsync(connection, table, token), cancellationToken);
            var oldest = current.AddMonths(-options.Value.KeepMonths);
            foreach (var month in months.Where(m => m < oldest))
                await DropAsync(table, month, cancellationToken);
            // Of the parents: autovacuum takes none of them, and plans over all months rest on them.
            await database.ExecuteAsync($"ANALYZE {table}", [], cancellationToken);
        }
        await heads.ThinAsync(time.GetUtcNow() - HeadsKeepTime, cancellationToken);
        await witnessed.ThinAsync(time.GetUtcNow() - HeadsKeepTime, cancellationToken);
    }

    private async Task DropAsync(string table, DateTime month, CancellationToken cancellationToken)
    {
        var partition = Months.NameOf(table, month);
        var isOwn = table == Months.Entries;
        if (await holds.KeepsAsync(partition, isOwn, month, month.AddMonths(1), cancellationToken))
        {
            LogHeld(partition);
            return;
        }
        var logOf = isOwn ? "$1::text" : "log";
        var ranges = await database.QueryAsync(
            $"SELECT {logOf}, min(sequence), max(sequence), max(write_time) FROM {partition} "
                + (isOwn ? "HAVING count(*) > 0" : "WHERE $1::text <> '' GROUP BY log"),
            [Sql.Of(log.Value)],
            r => new DroppedRange(r.GetString(0), r.GetInt64(1), r.GetInt64(2), r.GetDateTime(3)), cancellationToken);
        List<(DroppedRange Range, byte[] Root, byte[] Edge)> anchors = [];
        foreach (var range in ranges)
        {
            var reader = tiles.Reader(range.Log, table);
            // The leaves of a tile that is not full are told by the entries alone: they are stored before these go.
            anchors.Add((range, await reader.RootAsync(range.Last, cancellationToken),
                await reader.TileAsync(0, (range.Last - 1) >> TileStore.WidthBits, cancellationToken)));
        }
        await database.WriteAsync(async (connection, token) =>
        {
            await using NpgsqlBatch batch = new(connection);
            foreach (var (range, root, edge) in anchors)
                Add(batch, partition, range, root, edge);
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"ALTER TABLE {table} DETACH PARTITION {partition}"));
            batch.BatchCommands.Add(new NpgsqlBatchCommand($"DROP TABLE {partition}"));
            await batch.ExecuteNonQueryAsync(token);
            return true;
        }, cancellationToken);
        metrics.Dropped.Add(1);
        LogDropped(partition);
    }

    private void Add(NpgsqlBatch batch, string partition, DroppedRange range, byte[] root, byte[] edge)
    {
        var index = (range.Last - 1) >> TileStore.WidthBits;
        var leaves = (int)(range.Last - (index << TileStore.WidthBits)) * root.Length;
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            """
            INSERT INTO audit_tiles AS t (log, level, tile, hashes) VALUES ($1, 0, $2, $3)
            ON CONFLICT (log, level, tile) DO UPDATE SET hashes = excluded.hashes
            WHERE length(t.hashes) < length(excluded.hashes)
            """)
        {
            Parameters = { Sql.Of(range.Log), Sql.Of(index), Sql.Of(edge[..leaves]) },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            """
            INSERT INTO audit_anchors (partition, log, first_sequence, last_sequence, last_write_time, root, drop_time)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """)
        {
            Parameters =
            {
                Sql.Of(partition + "/" + range.Log), Sql.Of(range.Log), Sql.Of(range.First), Sql.Of(range.Last),
                Sql.Of(new DateTimeOffset(range.Time)), Sql.Of(root), Sql.Of(time.GetUtcNow()),
            },
        });
    }

    private sealed record DroppedRange(string Log, long First, long Last, DateTime Time);

    [LoggerMessage(LogLevel.Warning, "The audit log's tables could not be looked after; it is tried again: {Why}")]
    private partial void LogFailed(string why);

    [LoggerMessage(LogLevel.Information, "Partition {Partition} is over and kept: a legal hold covers it")]
    private partial void LogHeld(string partition);

    [LoggerMessage(LogLevel.Information, "Partition {Partition} was over and is dropped; its hashes are kept")]
    private partial void LogDropped(string partition);
}
