using Lepton.Sync.Records;
using Npgsql;
using NpgsqlTypes;

namespace Lepton.Sync.Storage;

/// <summary>What other homes wrote, into this node's tables: batches of a stream, and whole slots.</summary>
internal static class AppliedChanges
{
    // A batch that comes late, after a later one of its source: its rows were superseded, and what superseded them may
    // be collected by now (Tombstones/).
    private const string NotLate =
        "WHERE NOT EXISTS (SELECT FROM progress p WHERE p.source = $11 AND p.timeline = $12 AND p.position > $13)";

    private const string Merge =
        $"""
        ON r.class = s.class AND r.key = s.key
        WHEN MATCHED AND (r.term, r.clock) < (s.term, s.clock)
            THEN UPDATE SET slot = s.slot, term = s.term, clock = s.clock, kind = s.kind, key_id = s.key_id,
                body = s.body, sha256 = s.sha256, request_id = s.request_id
        WHEN NOT MATCHED
            THEN INSERT ({RecordColumns.Names}) VALUES (s.class, s.slot, s.key, s.term, s.clock, s.kind, s.key_id,
                s.body, s.sha256, s.request_id)
        """;

    private const string Rows = $"SELECT * FROM {RecordColumns.Unnest}) AS t({RecordColumns.Names})";
    private const string MergeSql = $"MERGE INTO records r USING ({Rows}) s {Merge}";
    private const string MergeInOrderSql = $"MERGE INTO records r USING ({Rows} {NotLate}) s {Merge}";

    private const string ClaimSql =
        """
        INSERT INTO requests (class, key, id, term, clock)
        SELECT * FROM unnest($1::int2[], $2::bytea[], $3::uuid[], $4::int8[], $5::int8[]) ON CONFLICT DO NOTHING
        """;

    private const string ClaimInOrderSql =
        """
        INSERT INTO requests (class, key, id, term, clock)
        SELECT * FROM unnest($1::int2[], $2::bytea[], $3::uuid[], $4::int8[], $5::int8[])
        WHERE NOT EXISTS (SELECT FROM progress p WHERE p.source = $6 AND p.timeline = $7 AND p.position > $8)
        ON CONFLICT DO NOTHING
        """;

    private const string ProgressSql =
        """
        INSERT INTO progress AS p (source, timeline, position) VALUES ($1, $2, $3)
        ON CONFLICT (source) DO UPDATE SET timeline = excluded.timeline, position =
            CASE WHEN p.timeline = excluded.timeline THEN greatest(p.position, excluded.position)
            ELSE excluded.position END
        """;

    // Rows of the slot that its home has not, or only older: they leave the table, and their requests are unknown
    // again, so that a client's retry is written. A tombstone of what the home does not know is no write to keep: the
    // home has collected its own, or never had the record.
    private const string StrandSql =
        $"""
        WITH theirs AS MATERIALIZED (
            SELECT * FROM unnest($3::bytea[], $4::int8[], $5::int8[]) AS t(key, term, clock)),
        left_behind AS (
            DELETE FROM records r WHERE r.class = $1 AND r.slot = $2 AND NOT EXISTS (
                SELECT FROM theirs t WHERE t.key = r.key AND (t.term, t.clock) >= (r.term, r.clock))
            RETURNING {RecordColumns.Names}),
        forgotten AS (
            DELETE FROM requests q USING left_behind b LEFT JOIN theirs t ON t.key = b.key
            WHERE q.class = b.class AND q.key = b.key
                AND (q.term, q.clock) > (coalesce(t.term, 0), coalesce(t.clock, 0))),
        writes AS MATERIALIZED (
            SELECT * FROM left_behind b WHERE b.kind = 0 OR EXISTS (SELECT FROM theirs t WHERE t.key = b.key)),
        kept AS (
            INSERT INTO stranded_writes ({RecordColumns.Names}) SELECT * FROM writes ON CONFLICT DO NOTHING)
        SELECT count(*)::int4 FROM writes
        """;

    /// <summary>One batch of a source.</summary>
    public static async Task ApplyAsync(
        NpgsqlConnection connection, SourceProgress progress, IReadOnlyList<StoredRecord> records,
        CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        AddRecords(batch, records, progress);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(ProgressSql)
        {
            Parameters =
            {
                RecordColumns.Value(progress.Source.Value),
                RecordColumns.Value(progress.Timeline),
                Place(progress.Position),
            },
        });
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Makes a slot what its home says it is.</summary>
    /// <returns>How many rows were stranded.</returns>
    public static async Task<int> ReplaceAsync(
        NpgsqlConnection connection, ClassId recordClass, SlotId slot, IReadOnlyList<StoredRecord> rows,
        CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("SET LOCAL enable_hashjoin = on"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(StrandSql)
        {
            Parameters =
            {
                RecordColumns.Value(recordClass.Value),
                RecordColumns.Value(slot.Value),
                RecordColumns.Bytes([.. rows.Select(r => r.Key)]),
                RecordColumns.Array([.. rows.Select(r => r.Version.Term)]),
                RecordColumns.Array([.. rows.Select(r => r.Version.Clock)]),
            },
        });
        AddRecords(batch, rows, null);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var stranded = reader.GetInt32(0);
        while (await reader.NextResultAsync(cancellationToken))
        {
            // Reads what the other commands answer, so that their errors are seen.
        }
        return stranded;
    }

    // A key's newest row is enough; a request id counts whichever of its rows bore it.
    private static void AddRecords(NpgsqlBatch batch, IReadOnlyList<StoredRecord> records, SourceProgress? inOrder)
    {
        if (records.Count == 0)
            return;
        var newest = Newest(records);
        NpgsqlBatchCommand merge = new(inOrder is null ? MergeSql : MergeInOrderSql);
        RecordColumns.Add(merge.Parameters, newest);
        AddPlace(merge, inOrder);
        batch.BatchCommands.Add(merge);
        StoredRecord[] requests = [.. records.Where(r => r.RequestId != Guid.Empty)];
        if (requests.Length > 0)
        {
            NpgsqlBatchCommand claim = new(inOrder is null ? ClaimSql : ClaimInOrderSql)
            {
                Parameters =
                {
                    RecordColumns.Array([.. requests.Select(r => r.Class.Value)]),
                    RecordColumns.Bytes([.. requests.Select(r => r.Key)]),
                    RecordColumns.Array([.. requests.Select(r => r.RequestId)]),
                    RecordColumns.Array([.. requests.Select(r => r.Version.Term)]),
                    RecordColumns.Array([.. requests.Select(r => r.Version.Clock)]),
                },
            };
            AddPlace(claim, inOrder);
            batch.BatchCommands.Add(claim);
        }
        batch.BatchCommands.Add(GreatestClock.Raise(newest.Max(r => r.Version.Clock)));
    }

    private static void AddPlace(NpgsqlBatchCommand command, SourceProgress? inOrder)
    {
        if (inOrder is null)
            return;
        command.Parameters.Add(RecordColumns.Value(inOrder.Source.Value));
        command.Parameters.Add(RecordColumns.Value(inOrder.Timeline));
        command.Parameters.Add(Place(inOrder.Position));
    }

    private static NpgsqlParameter Place(LogPosition position) => new()
    {
        Value = new NpgsqlLogSequenceNumber(position.Value), NpgsqlDbType = NpgsqlDbType.PgLsn,
    };

    // In the order of keys: see HomeCommits.
    private static List<StoredRecord> Newest(IReadOnlyList<StoredRecord> records)
    {
        var sorted = records.ToArray();
        Array.Sort(sorted, (a, b) => HomeCommits.Compare(a, b) is var order and not 0
            ? order
            : b.Version.CompareTo(a.Version));
        List<StoredRecord> newest = [];
        foreach (var record in sorted)
        {
            if (newest.Count == 0 || HomeCommits.Compare(newest[^1], record) != 0)
                newest.Add(record);
        }
        return newest;
    }
}
