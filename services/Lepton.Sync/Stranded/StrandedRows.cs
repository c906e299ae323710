using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using Npgsql;

namespace Lepton.Sync.Stranded;

/// <param name="Row">As its home had made it.</param>
/// <param name="StrandTime">When it was put aside, by the database's clock.</param>
internal sealed record StrandedRow(StoredRecord Row, DateTimeOffset StrandTime);

/// <summary>
/// The table of stranded writes, which <see cref="IRecordStore.ReplaceSlotAsync"/> fills. Every method throws
/// <see cref="DatabaseUnavailableException"/> where the database does not answer.
/// </summary>
internal sealed class StrandedRows(RecordDatabase database)
{
    /// <summary>Rows at once in memory: of at most 1 MiB each.</summary>
    public const int RowsMax = 100;

    private const string ReadSql =
        $"SELECT {RecordColumns.Names}, strand_time FROM stranded_writes";

    private const string PageSql =
        $"{ReadSql} WHERE (class, key, term, clock) > ($1, $2, $3, $4) ORDER BY class, key, term, clock LIMIT $5";

    private const string ItsKey = "WHERE class = $1 AND key = $2 AND term = $3 AND clock = $4";

    /// <summary>The next ones after one, in the order of class, key, version.</summary>
    public Task<IReadOnlyList<StrandedRow>> ReadAsync(
        StrandedId after, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, RowsMax);
        return database.ReadAsync("read_stranded", (c, token) => ReadAsync(c, PageSql, after, limit, token),
            cancellationToken);
    }

    /// <summary>One; null: it is not there.</summary>
    public async Task<StrandedRow?> FindAsync(StrandedId id, CancellationToken cancellationToken) =>
        await database.ReadAsync("read_stranded", (c, token) => ReadAsync(c, $"{ReadSql} {ItsKey}", id, null, token),
            cancellationToken) is [var found] ? found : null;

    /// <summary>Takes one away. False: it was not there.</summary>
    public Task<bool> RemoveAsync(StrandedId id, CancellationToken cancellationToken) => database.WriteAsync(
        DatabasePool.Others, "remove_stranded", async (c, token) =>
        {
            await using NpgsqlCommand command = new($"DELETE FROM stranded_writes {ItsKey}", c);
            AddKey(command, id);
            return await command.ExecuteNonQueryAsync(token) > 0;
        }, cancellationToken);

    private static async Task<IReadOnlyList<StrandedRow>> ReadAsync(
        NpgsqlConnection connection, string sql, StrandedId id, int? limit, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(sql, connection);
        AddKey(command, id);
        if (limit is { } most)
            command.Parameters.Add(RecordColumns.Value(most));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<StrandedRow> rows = [];
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(new StrandedRow(
                RecordColumns.Read(reader), new DateTimeOffset(reader.GetDateTime(10), TimeSpan.Zero)));
        return rows;
    }

    private static void AddKey(NpgsqlCommand command, StrandedId id)
    {
        command.Parameters.Add(RecordColumns.Value(id.Class.Value));
        command.Parameters.Add(RecordColumns.Bytes(id.Key));
        command.Parameters.Add(RecordColumns.Value(id.Version.Term));
        command.Parameters.Add(RecordColumns.Value(id.Version.Clock));
    }
}
