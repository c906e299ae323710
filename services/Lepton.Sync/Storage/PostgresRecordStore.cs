using Lepton.Sync.Records;
using Npgsql;

namespace Lepton.Sync.Storage;

/// <summary>
/// The rows in PostgreSQL. Every method throws <see cref="DatabaseUnavailableException"/> where the database does not
/// answer (nothing done), and the writing ones <see cref="DatabaseOutcomeUnknownException"/> where it cannot be told.
/// </summary>
internal sealed class PostgresRecordStore(RecordDatabase database, StorageMetrics metrics) : IRecordStore, ILogEnd
{
    /// <summary>Most keys, or rows, of one call: beyond it a caller has no bound of its own.</summary>
    public const int RowsMax = 10_000;

    private const string ProgressSql = "SELECT source, timeline, position FROM progress ORDER BY source";

    private const string DropSql =
        """
        DELETE FROM records WHERE (class, key) IN (
            SELECT class, key FROM records WHERE class = $1 AND slot = ANY($2) AND kind = 1 AND clock < $3 LIMIT $4)
        AND kind = 1 AND clock < $3
        """;

    private const string SweepSql =
        """
        DELETE FROM requests WHERE (class, key, id) IN (
            SELECT class, key, id FROM requests WHERE clock < $1 ORDER BY clock LIMIT $2) AND clock < $1
        """;

    public Task<IReadOnlyList<StoredRecord?>> ReadAsync(
        ClassId recordClass, IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(keys.Count, RowsMax, nameof(keys));
        return database.ReadAsync(
            "read", (c, token) => RecordReads.ByKeyAsync(c, recordClass, keys, token), cancellationToken);
    }

    public Task<HomeCommit> WriteAsync(IReadOnlyList<HomeWrite> writes, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfZero(writes.Count, nameof(writes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(writes.Count, RowsMax, nameof(writes));
        return database.WriteAsync(
            DatabasePool.Commits, "write", (c, token) => HomeCommits.RunAsync(c, writes, token), cancellationToken);
    }

    public Task ApplyAsync(
        SourceProgress progress, IReadOnlyList<StoredRecord> records, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(records.Count, RowsMax, nameof(records));
        return database.WriteAsync(DatabasePool.Others, "apply", async (c, token) =>
        {
            await AppliedChanges.ApplyAsync(c, progress, records, token);
            return records.Count;
        }, cancellationToken);
    }

    public Task<IReadOnlyList<SourceProgress>> ReadProgressAsync(CancellationToken cancellationToken) =>
        database.ReadAsync("read_progress", ReadProgressAsync, cancellationToken);

    public Task<IReadOnlyList<StoredRecord>> ScanAsync(
        ScanRange range, int limit, CancellationToken cancellationToken)
    {
        RequireLimit(limit);
        return database.ReadAsync(
            "scan", (c, token) => RecordReads.ScanAsync(c, range, limit, token), cancellationToken);
    }

    public Task<IReadOnlyList<StoredRecord>> ReadSealedAsync(
        IReadOnlyList<KeyId> keyIds, StoredRecord? after, int limit, CancellationToken cancellationToken)
    {
        RequireLimit(limit);
        return database.ReadAsync("read_sealed",
            (c, token) => RecordReads.SealedAsync(c, keyIds, after, limit, token), cancellationToken);
    }

    public Task<long> ReadGreatestClockAsync(CancellationToken cancellationToken) =>
        database.ReadAsync("read_clock", GreatestClock.ReadAsync, cancellationToken);

    public Task<int> DropTombstonesAsync(
        ClassId recordClass, IReadOnlyList<SlotId> slots, long before, int limit, CancellationToken cancellationToken)
    {
        RequireLimit(limit);
        return ExecuteAsync("drop_tombstones", DropSql, () =>
        [
            RecordColumns.Value(recordClass.Value),
            RecordColumns.Array([.. slots.Select(s => s.Value).Distinct()]),
            RecordColumns.Value(before),
            RecordColumns.Value(limit),
        ], cancellationToken);
    }

    /// <remarks>The whole slot in memory and in one transaction: a 4,096th of a class.</remarks>
    public async Task<int> ReplaceSlotAsync(
        ClassId recordClass, SlotId slot, IReadOnlyList<StoredRecord> rows, CancellationToken cancellationToken)
    {
        if (rows.Any(r => r.Class != recordClass || r.Slot != slot))
            throw new ArgumentException("The rows take the class and the slot that are replaced.", nameof(rows));
        var stranded = await database.WriteAsync(DatabasePool.Others, "replace_slot",
            (c, token) => AppliedChanges.ReplaceAsync(c, recordClass, slot, rows, token), cancellationToken);
        metrics.Stranded.Add(stranded);
        return stranded;
    }

    /// <summary>Where the write-ahead log ends now: beyond everything that is committed.</summary>
    public Task<LogPosition> ReadLogEndAsync(CancellationToken cancellationToken) => database.ReadAsync(
        "read_log_end", async (c, token) =>
        {
            await using NpgsqlCommand command = new("SELECT pg_current_wal_insert_lsn()", c);
            return new LogPosition((ulong)(NpgsqlTypes.NpgsqlLogSequenceNumber)(
                await command.ExecuteScalarAsync(token) ?? throw new InvalidDataException("The log has no end.")));
        }, cancellationToken);

    /// <summary>Forgets request ids of writes older than <paramref name="before"/> (by clock).</summary>
    /// <returns>How many, at most <paramref name="limit"/>.</returns>
    public Task<int> SweepRequestsAsync(long before, int limit, CancellationToken cancellationToken)
    {
        RequireLimit(limit);
        return ExecuteAsync("sweep_requests", SweepSql,
            () => [RecordColumns.Value(before), RecordColumns.Value(limit)], cancellationToken);
    }

    private static void RequireLimit(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, RowsMax);
    }

    // Parameters belong to one command: each try makes its own.
    private Task<int> ExecuteAsync(
        string operation, string sql, Func<NpgsqlParameter[]> parameters, CancellationToken cancellationToken) =>
        database.WriteAsync(DatabasePool.Others, operation, async (c, token) =>
        {
            await using var command = new NpgsqlCommand(sql, c);
            command.Parameters.AddRange(parameters());
            return await command.ExecuteNonQueryAsync(token);
        }, cancellationToken);

    private static async Task<IReadOnlyList<SourceProgress>> ReadProgressAsync(
        NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ProgressSql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<SourceProgress> progress = [];
        while (await reader.ReadAsync(cancellationToken))
            progress.Add(new SourceProgress(
                new NodeId(reader.GetInt16(0)), reader.GetString(1),
                new LogPosition((ulong)reader.GetFieldValue<NpgsqlTypes.NpgsqlLogSequenceNumber>(2))));
        return progress;
    }
}
