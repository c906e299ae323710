using Lepton.Sync.Records;
using Npgsql;

namespace Lepton.Sync.Storage;

/// <summary>
/// A home's batch in one transaction of two round trips: one statement that merges what is allowed, and the commit.
/// MERGE, not INSERT … ON CONFLICT: it judges the expected version on the row as it is when it is written, not as it
/// was when the statement began, without locking it first.
/// </summary>
internal static class HomeCommits
{
    // A request id that is known writes nothing. One that is committed by another transaction meanwhile breaks the
    // primary key of requests: the batch is tried again, and then knows it.
    private const string Merge =
        $"""
        WITH input AS (
            SELECT * FROM {RecordColumns.Unnest}, $11::int8[], $12::int8[]) WITH ORDINALITY
                AS t({RecordColumns.Names}, expected_term, expected_clock, n)),
        done AS (
            MERGE INTO records r
            USING (SELECT i.*, q.id IS NOT NULL AS is_known FROM input i LEFT JOIN requests q
                ON q.class = i.class AND q.key = i.key AND q.id = i.request_id) s
            ON r.class = s.class AND r.key = s.key
            WHEN MATCHED AND NOT s.is_known AND (r.term, r.clock) < (s.term, s.clock)
                AND (s.expected_term IS NULL OR (s.expected_term = 0 AND r.kind = 1)
                    OR (s.expected_term = r.term AND s.expected_clock = r.clock AND r.kind = 0))
                THEN UPDATE SET slot = s.slot, term = s.term, clock = s.clock, kind = s.kind, key_id = s.key_id,
                    body = s.body, sha256 = s.sha256, request_id = s.request_id
            WHEN NOT MATCHED AND NOT s.is_known AND coalesce(s.expected_term, 0) = 0
                THEN INSERT ({RecordColumns.Names}) VALUES (s.class, s.slot, s.key, s.term, s.clock, s.kind, s.key_id,
                    s.body, s.sha256, s.request_id)
            RETURNING s.n, s.class, s.key, s.request_id, s.term, s.clock),
        claimed AS (
            INSERT INTO requests (class, key, id, term, clock)
            SELECT class, key, request_id, term, clock FROM done WHERE request_id IS NOT NULL)
        SELECT n::int4 FROM done
        """;

    // The transaction has its locks by now: what is there is what refused, or newer.
    private const string Explain =
        """
        SELECT t.n::int4, q.id IS NOT NULL, coalesce(q.term, r.term, 0), coalesce(q.clock, r.clock, 0)
        FROM unnest($1::int2[], $2::bytea[], $3::uuid[]) WITH ORDINALITY AS t(class, key, request_id, n)
        LEFT JOIN requests q ON q.class = t.class AND q.key = t.key AND q.id = t.request_id
        LEFT JOIN records r ON r.class = t.class AND r.key = t.key AND r.kind = 0
        """;

    // Nothing else of a transaction that only found repetitions would show in the write-ahead log's decoded form, and
    // who waits for it to be confirmed would wait for ever.
    private const string Mark = "SELECT pg_logical_emit_message(true, 'lepton.sync.repeated', '')";

    /// <param name="connection">In a transaction.</param>
    /// <param name="writes">Each key once.</param>
    public static async Task<HomeCommit> RunAsync(
        NpgsqlConnection connection, IReadOnlyList<HomeWrite> writes, CancellationToken cancellationToken)
    {
        // In the order of keys, so that two batches never wait for each other in a circle.
        var order = new int[writes.Count];
        for (var i = 0; i < order.Length; i++)
            order[i] = i;
        Array.Sort(order, (a, b) => Compare(writes[a].Record, writes[b].Record));
        var results = new HomeWriteResult[writes.Count];
        var (done, transaction) = await MergeAsync(connection, writes, order, results, cancellationToken);
        if (done < order.Length)
            await ExplainAsync(connection, writes, order, results, cancellationToken);
        return new HomeCommit(transaction, results);
    }

    /// <summary>By class, then by key: as the primary key orders them.</summary>
    public static int Compare(StoredRecord a, StoredRecord b) => a.Class == b.Class
        ? a.Key.Span.SequenceCompareTo(b.Key.Span)
        : a.Class.Value.CompareTo(b.Class.Value);

    private static async Task<(int Done, uint Transaction)> MergeAsync(
        NpgsqlConnection connection, IReadOnlyList<HomeWrite> writes, int[] order, HomeWriteResult[] results,
        CancellationToken cancellationToken)
    {
        var records = new StoredRecord[order.Length];
        var (expectedTerms, expectedClocks) = (new long?[order.Length], new long?[order.Length]);
        var greatest = 0L;
        for (var i = 0; i < order.Length; i++)
        {
            var write = writes[order[i]];
            records[i] = write.Record;
            (expectedTerms[i], expectedClocks[i]) = (write.Expected?.Term, write.Expected?.Clock);
            greatest = Math.Max(greatest, write.Record.Version.Clock);
            // Until the database says otherwise; no write has this version.
            results[order[i]] = new HomeWriteResult(HomeVerdict.Conflict, RecordVersion.None);
        }
        await using var batch = new NpgsqlBatch(connection);
        var merge = new NpgsqlBatchCommand(Merge);
        RecordColumns.Add(merge.Parameters, records);
        merge.Parameters.Add(RecordColumns.Array(expectedTerms));
        merge.Parameters.Add(RecordColumns.Array(expectedClocks));
        batch.BatchCommands.Add(merge);
        batch.BatchCommands.Add(GreatestClock.Raise(greatest));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        var done = 0;
        for (; await reader.ReadAsync(cancellationToken); done++)
        {
            var index = order[reader.GetInt32(0) - 1];
            results[index] = new HomeWriteResult(HomeVerdict.Done, writes[index].Record.Version);
        }
        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        // xid8: an epoch above the 32 bits by which the write-ahead log names the transaction.
        return (done, unchecked((uint)reader.GetFieldValue<ulong>(0)));
    }

    private static async Task ExplainAsync(
        NpgsqlConnection connection, IReadOnlyList<HomeWrite> writes, int[] order, HomeWriteResult[] results,
        CancellationToken cancellationToken)
    {
        int[] missing = [.. order.Where(i => results[i].Verdict != HomeVerdict.Done)];
        await using var explain = new NpgsqlCommand(Explain, connection);
        explain.Parameters.Add(RecordColumns.Array([.. missing.Select(i => writes[i].Record.Class.Value)]));
        explain.Parameters.Add(RecordColumns.Bytes([.. missing.Select(i => writes[i].Record.Key)]));
        explain.Parameters.Add(RecordColumns.Array([.. missing.Select(i => RequestOf(writes[i]))]));
        var isRepeated = false;
        await using (var reader = await explain.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                var verdict = reader.GetBoolean(1) ? HomeVerdict.Repeated : HomeVerdict.Conflict;
                isRepeated |= verdict == HomeVerdict.Repeated;
                results[missing[reader.GetInt32(0) - 1]] = new HomeWriteResult(
                    verdict, new RecordVersion(reader.GetInt64(2), reader.GetInt64(3)));
            }
        }
        if (!isRepeated)
            return;
        await using var mark = new NpgsqlCommand(Mark, connection);
        await mark.ExecuteScalarAsync(cancellationToken);
    }

    private static Guid? RequestOf(HomeWrite write) =>
        write.Record.RequestId == Guid.Empty ? null : write.Record.RequestId;
}
