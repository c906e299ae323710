using Lepton.Sync.Records;
using Npgsql;

namespace Lepton.Sync.Storage;

/// <summary>The ways to find rows, each along an index.</summary>
internal static class RecordReads
{
    // Up to here each slot's own index range is read, and above the class's in order of keys with the others left out:
    // of 4,096 slots that costs as much at 64.
    private const int SlotRangesMax = 64;

    private const string ByKeySql =
        $"""
        SELECT t.n::int4, {RecordColumns.Names} FROM unnest($2::bytea[]) WITH ORDINALITY AS t(wanted, n)
        JOIN records r ON r.class = $1 AND r.key = t.wanted
        """;

    private const string Range = "class = $1 AND key > $2 AND key >= $3 AND ($4::bytea IS NULL OR key < $4) "
        + "AND ($5 OR kind = 0)";

    private const string ScanSql =
        $"SELECT {RecordColumns.Names} FROM records WHERE {Range} ORDER BY class, key LIMIT $6";

    private const string ScanSomeSql =
        $"SELECT {RecordColumns.Names} FROM records WHERE {Range} AND slot = ANY($7) ORDER BY class, key LIMIT $6";

    private const string ScanFewSql =
        $"""
        SELECT {RecordColumns.Names} FROM unnest($7::int2[]) AS s(wanted) CROSS JOIN LATERAL (
            SELECT * FROM records WHERE {Range} AND slot = s.wanted ORDER BY class, slot, key LIMIT $6) r
        ORDER BY key LIMIT $6
        """;

    private const string SealedSql =
        $"""
        SELECT {RecordColumns.Names} FROM records
        WHERE kind = 0 AND key_id IS NOT NULL AND key_id = ANY($1) AND (key_id, class, key) > ($2, $3, $4)
        ORDER BY key_id, class, key LIMIT $5
        """;

    public static async Task<IReadOnlyList<StoredRecord?>> ByKeyAsync(
        NpgsqlConnection connection, ClassId recordClass, IReadOnlyList<ReadOnlyMemory<byte>> keys,
        CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ByKeySql, connection)
        {
            Parameters = { RecordColumns.Value(recordClass.Value), RecordColumns.Bytes([.. keys]) },
        };
        var found = new StoredRecord?[keys.Count];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            found[reader.GetInt32(0) - 1] = RecordColumns.Read(reader, first: 1);
        return found;
    }

    public static async Task<IReadOnlyList<StoredRecord>> ScanAsync(
        NpgsqlConnection connection, ScanRange range, int limit, CancellationToken cancellationToken)
    {
        var sql = range.Slots is null ? ScanSql : range.Slots.Count <= SlotRangesMax ? ScanFewSql : ScanSomeSql;
        await using var command = new NpgsqlCommand(sql, connection)
        {
            Parameters =
            {
                RecordColumns.Value(range.Class.Value),
                RecordColumns.Bytes(range.After),
                RecordColumns.Bytes(range.Prefix),
                UpperBound(range.Prefix.Span) is { } bound
                    ? RecordColumns.Bytes(bound)
                    : new NpgsqlParameter { Value = DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bytea },
                RecordColumns.Value(range.Tombstones),
                RecordColumns.Value(limit),
            },
        };
        if (range.Slots is { } slots)
            command.Parameters.Add(RecordColumns.Array([.. slots.Select(s => s.Value).Distinct()]));
        return await ReadAllAsync(command, cancellationToken);
    }

    public static async Task<IReadOnlyList<StoredRecord>> SealedAsync(
        NpgsqlConnection connection, IReadOnlyList<KeyId> keyIds, StoredRecord? after, int limit,
        CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(SealedSql, connection)
        {
            Parameters =
            {
                RecordColumns.Array([.. keyIds.Select(k => k.Value)]),
                RecordColumns.Value(after?.KeyId.Value ?? Guid.Empty),
                RecordColumns.Value(after?.Class.Value ?? (short)-1),
                RecordColumns.Bytes(after?.Key ?? default),
                RecordColumns.Value(limit),
            },
        };
        return await ReadAllAsync(command, cancellationToken);
    }

    /// <summary>The least string of bytes above all that begin with this; null: there is none.</summary>
    public static ReadOnlyMemory<byte>? UpperBound(ReadOnlySpan<byte> prefix)
    {
        var end = prefix.LastIndexOfAnyExcept((byte)0xff);
        if (end < 0)
            return null;
        var bound = prefix[..(end + 1)].ToArray();
        bound[end]++;
        return bound;
    }

    private static async Task<IReadOnlyList<StoredRecord>> ReadAllAsync(
        NpgsqlCommand command, CancellationToken cancellationToken)
    {
        List<StoredRecord> rows = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(RecordColumns.Read(reader));
        return rows;
    }
}
