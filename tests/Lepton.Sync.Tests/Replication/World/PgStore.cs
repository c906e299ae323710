using System.Globalization;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using Npgsql;

namespace Lepton.Sync.Tests.Replication.World;

/// <summary>Rows in a real database, as plainly as can be: what replication needs of a store.</summary>
internal sealed class PgStore(string connection) : IRecordStore
{
    private const string Columns = "class, slot, key, term, clock, kind, key_id, body, sha256, request_id";

    private int _applyFaults;

    /// <summary>The next so many applications fail.</summary>
    public void FailApplies(int count) => Volatile.Write(ref _applyFaults, count);

    public async Task CreateAsync()
    {
        await using NpgsqlConnection open = await OpenAsync();
        await ExecuteAsync(open, """
            CREATE TABLE IF NOT EXISTS records (class smallint, slot smallint, key bytea, term bigint, clock bigint,
                kind smallint, key_id uuid, body bytea, sha256 bytea, request_id uuid, PRIMARY KEY (class, slot, key));
            CREATE TABLE IF NOT EXISTS progress (source smallint PRIMARY KEY, timeline text, position numeric);
            CREATE TABLE IF NOT EXISTS stranded (LIKE records);
            """);
    }

    /// <summary>Writes rows in one transaction; its xid.</summary>
    public async Task<uint> PutAsync(params StoredRecord[] rows)
    {
        await using NpgsqlConnection open = await OpenAsync();
        await using NpgsqlTransaction transaction = await open.BeginTransactionAsync();
        await UpsertAsync(open, rows, CancellationToken.None);
        await using NpgsqlCommand xid = new("SELECT pg_current_xact_id()::text", open);
        string text = (string)(await xid.ExecuteScalarAsync())!;
        await transaction.CommitAsync();
        return (uint)ulong.Parse(text, CultureInfo.InvariantCulture);
    }

    public async Task ExecuteAsync(string sql)
    {
        await using NpgsqlConnection open = await OpenAsync();
        await ExecuteAsync(open, sql);
    }

    public async Task<object?> ScalarAsync(string sql)
    {
        await using NpgsqlConnection open = await OpenAsync();
        await using NpgsqlCommand command = new(sql, open);
        return await command.ExecuteScalarAsync();
    }

    /// <summary>Every row, in the order of classes, slots and keys.</summary>
    public async Task<List<StoredRecord>> AllAsync(string where = "true")
    {
        await using NpgsqlConnection open = await OpenAsync();
        return await ReadAsync(
            open, $"SELECT {Columns} FROM records WHERE {where} ORDER BY class, slot, key", CancellationToken.None);
    }

    public async Task ApplyAsync(
        SourceProgress progress, IReadOnlyList<StoredRecord> records, CancellationToken cancellationToken)
    {
        if (records.Count > 0 && Interlocked.Decrement(ref _applyFaults) >= 0)
            throw new IOException("The test's own fault.");
        await using NpgsqlConnection open = await OpenAsync();
        await using NpgsqlTransaction transaction = await open.BeginTransactionAsync(cancellationToken);
        await UpsertAsync(open, records, cancellationToken);
        await using NpgsqlCommand save = new("""
            INSERT INTO progress AS p VALUES ($1, $2, $3) ON CONFLICT (source) DO UPDATE
            SET position = CASE WHEN p.timeline = excluded.timeline THEN greatest(p.position, excluded.position)
                ELSE excluded.position END, timeline = excluded.timeline
            """, open)
        {
            Parameters =
            {
                new() { Value = progress.Source.Value }, new() { Value = progress.Timeline },
                new() { Value = (decimal)progress.Position.Value },
            },
        };
        await save.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    public async Task<IReadOnlyList<SourceProgress>> ReadProgressAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlConnection open = await OpenAsync();
        await using NpgsqlCommand command = new("SELECT source, timeline, position FROM progress", open);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        List<SourceProgress> progress = [];
        while (await reader.ReadAsync(cancellationToken))
            progress.Add(new SourceProgress(new NodeId(reader.GetInt16(0)), reader.GetString(1),
                new LogPosition((ulong)reader.GetDecimal(2))));
        return progress;
    }

    public async Task<IReadOnlyList<StoredRecord>> ScanAsync(
        ScanRange range, int limit, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection open = await OpenAsync();
        return await ReadAsync(open, $"""
            SELECT {Columns} FROM records WHERE class = {range.Class.Value}
                AND slot = ANY('{Slots(range.Slots!)}') AND key > '\x{Convert.ToHexString(range.After.Span)}'
            ORDER BY key LIMIT {limit}
            """, cancellationToken);
    }

    public async Task<int> ReplaceSlotAsync(
        ClassId recordClass, SlotId slot, IReadOnlyList<StoredRecord> rows, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection open = await OpenAsync();
        await using NpgsqlTransaction transaction = await open.BeginTransactionAsync(cancellationToken);
        List<StoredRecord> own = await ReadAsync(open, $"""
            SELECT {Columns} FROM records WHERE class = {recordClass.Value} AND slot = {slot.Value}
            """, cancellationToken);
        int stranded = 0;
        foreach (StoredRecord row in own)
        {
            if (rows.Any(r => r.Key.Span.SequenceEqual(row.Key.Span) && r.Version >= row.Version))
                continue;
            string key = $"class = {recordClass.Value} AND key = '\\x{Convert.ToHexString(row.Key.Span)}'";
            await ExecuteAsync(open, $"""
                INSERT INTO stranded SELECT * FROM records WHERE {key};
                DELETE FROM records WHERE {key};
                """);
            stranded++;
        }
        await UpsertAsync(open, rows, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return stranded;
    }

    public Task<IReadOnlyList<StoredRecord?>> ReadAsync(
        ClassId recordClass, IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<HomeCommit> WriteAsync(IReadOnlyList<HomeWrite> writes, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<IReadOnlyList<StoredRecord>> ReadSealedAsync(
        IReadOnlyList<KeyId> keyIds, StoredRecord? after, int limit, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public Task<long> ReadGreatestClockAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<int> DropTombstonesAsync(ClassId recordClass, IReadOnlyList<SlotId> slots, long before, int limit,
        CancellationToken cancellationToken) => throw new NotSupportedException();

    private static string Slots(IReadOnlyList<SlotId> slots) => $"{{{string.Join(',', slots.Select(s => s.Value))}}}";

    private static async Task UpsertAsync(
        NpgsqlConnection open, IReadOnlyList<StoredRecord> rows, CancellationToken cancellationToken)
    {
        await using NpgsqlBatch batch = new(open);
        foreach (StoredRecord row in rows)
            batch.BatchCommands.Add(new NpgsqlBatchCommand("""
                INSERT INTO records AS r VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                ON CONFLICT (class, slot, key) DO UPDATE SET term = excluded.term, clock = excluded.clock,
                    kind = excluded.kind, key_id = excluded.key_id, body = excluded.body, sha256 = excluded.sha256,
                    request_id = excluded.request_id
                WHERE (r.term, r.clock) < (excluded.term, excluded.clock)
                """)
            {
                Parameters =
                {
                    new() { Value = row.Class.Value }, new() { Value = row.Slot.Value },
                    new() { Value = row.Key.ToArray() }, new() { Value = row.Version.Term },
                    new() { Value = row.Version.Clock }, new() { Value = (short)row.Kind },
                    new() { Value = row.KeyId == KeyId.None ? DBNull.Value : row.KeyId.Value },
                    new() { Value = row.Body.ToArray() }, new() { Value = row.Sha256.ToArray() },
                    new() { Value = row.RequestId == Guid.Empty ? DBNull.Value : row.RequestId },
                },
            });
        if (rows.Count > 0)
            await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<List<StoredRecord>> ReadAsync(
        NpgsqlConnection open, string sql, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(sql, open);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        List<StoredRecord> rows = [];
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(new StoredRecord
            {
                Class = new ClassId(reader.GetInt16(0)),
                Slot = new SlotId(reader.GetInt16(1)),
                Key = reader.GetFieldValue<byte[]>(2),
                Version = new RecordVersion(reader.GetInt64(3), reader.GetInt64(4)),
                Kind = (RecordKind)reader.GetInt16(5),
                KeyId = new KeyId(reader.IsDBNull(6) ? Guid.Empty : reader.GetGuid(6)),
                Body = reader.GetFieldValue<byte[]>(7),
                Sha256 = reader.GetFieldValue<byte[]>(8),
                RequestId = reader.IsDBNull(9) ? Guid.Empty : reader.GetGuid(9),
            });
        return rows;
    }

    private static async Task ExecuteAsync(NpgsqlConnection open, string sql)
    {
        await using NpgsqlCommand command = new(sql, open);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        NpgsqlConnection open = new(connection);
        await open.OpenAsync();
        return open;
    }
}
