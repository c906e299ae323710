using System.Globalization;
using Lepton.Sync.Backup.Wire;
using Lepton.Sync.Records;
using Npgsql;

namespace Lepton.Sync.Backup.Archive;

/// <summary>The physical replication slot: the server keeps its log from the slot's position on.</summary>
internal static class LogSlot
{
    /// <summary>
    /// Its position; made where it is not there. Lost: the server had given it up (max_slot_wal_keep_size).
    /// </summary>
    public static async Task<(LogPosition Position, bool WasLost)> EnsureAsync(
        ReplicationLink link, string slot, CancellationToken cancellationToken)
    {
        var rows = await link.QueryAsync($"READ_REPLICATION_SLOT \"{slot}\"", cancellationToken);
        if (rows is [["physical", { } position, ..]])
            return (PositionText.Parse(position), false);
        var wasLost = rows is [["physical", null, ..]];
        if (wasLost)
            await link.QueryAsync($"DROP_REPLICATION_SLOT \"{slot}\"", cancellationToken);
        await link.QueryAsync($"CREATE_REPLICATION_SLOT \"{slot}\" PHYSICAL (RESERVE_WAL true)", cancellationToken);
        rows = await link.QueryAsync($"READ_REPLICATION_SLOT \"{slot}\"", cancellationToken);
        return rows is [[_, { } made, ..]]
            ? (PositionText.Parse(made), wasLost)
            : throw new BackupException(BackupFault.ServerRefused, $"The slot {slot} holds no position.");
    }

    /// <summary>Drops it where it keeps more than so many bytes; how many. Null: it was not dropped.</summary>
    public static async Task<ulong?> DropBeyondAsync(
        ReplicationLink link, string slot, long bytesMax, CancellationToken cancellationToken)
    {
        var server = await ServerIdentity.ReadAsync(link, cancellationToken);
        var rows = await link.QueryAsync($"READ_REPLICATION_SLOT \"{slot}\"", cancellationToken);
        if (rows is not [[_, { } text, ..]])
            return null;
        var kept = server.Flushed.Value - Math.Min(server.Flushed.Value, PositionText.Parse(text).Value);
        if (kept <= (ulong)bytesMax)
            return null;
        await link.QueryAsync($"DROP_REPLICATION_SLOT \"{slot}\"", cancellationToken);
        return kept;
    }

    /// <summary>The size of the server's log files.</summary>
    public static async Task<int> ReadSegmentBytesAsync(string connection, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection sql = new(
            new NpgsqlConnectionStringBuilder(connection) { Pooling = false }.ConnectionString);
        await sql.OpenAsync(cancellationToken);
        await using NpgsqlCommand command = new(
            "SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'", sql);
        return int.Parse(
            await command.ExecuteScalarAsync(cancellationToken) as string ?? "", CultureInfo.InvariantCulture);
    }
}
