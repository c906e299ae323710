using Npgsql;

namespace Lepton.Compliance.Audit.Storage;

/// <summary>Entries of the own log by their places.</summary>
internal sealed class EntryReads(AuditDatabase database)
{
    /// <summary>Those that are there from one sequence to another, both included, in their order.</summary>
    public Task<List<StoredEntry>> RangeAsync(long first, long last, CancellationToken cancellationToken) =>
        database.QueryAsync(
            $"SELECT {EntryTable.Names} FROM audit_entries WHERE sequence BETWEEN $1 AND $2 ORDER BY sequence",
            [Sql.Of(first), Sql.Of(last)], EntryTable.Read, cancellationToken);

    /// <summary>Of an event; null: it is not there.</summary>
    public async Task<StoredEntry?> OfEventAsync(Guid eventId, CancellationToken cancellationToken) =>
        (await database.QueryAsync($"SELECT {EntryTable.Names} FROM audit_entries WHERE event_id = $1 LIMIT 1",
            [Sql.Of(eventId)], EntryTable.Read, cancellationToken)).FirstOrDefault();

    /// <summary>The first sequence that was not dropped with its partition.</summary>
    public async Task<long> FirstKeptAsync(string log, CancellationToken cancellationToken) =>
        (await database.QueryAsync(
            "SELECT coalesce(max(last_sequence), 0) + 1 FROM audit_anchors WHERE log = $1", [Sql.Of(log)],
            r => r.GetInt64(0), cancellationToken))[0];

    /// <summary>Entries of another log that is copied here.</summary>
    public Task<List<(long Sequence, byte[] LeafHash, byte[] Bytes)>> CopiesAsync(
        string log, long first, long last, CancellationToken cancellationToken) => database.QueryAsync(
        """
        SELECT sequence, leaf_hash, bytes FROM audit_copies
        WHERE log = $1 AND sequence BETWEEN $2 AND $3 ORDER BY sequence
        """, [Sql.Of(log), Sql.Of(first), Sql.Of(last)],
        (NpgsqlDataReader r) => (r.GetInt64(0), r.GetFieldValue<byte[]>(1), r.GetFieldValue<byte[]>(2)),
        cancellationToken);
}
