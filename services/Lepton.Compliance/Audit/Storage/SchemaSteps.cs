using Npgsql;

namespace Lepton.Compliance.Audit.Storage;

/// <summary>
/// Tables made and changed by numbered steps under an advisory lock. A step that was released is never changed, and
/// only adds (expand, then contract): services of two versions may run side by side.
/// </summary>
/// <param name="Table">Which steps were taken is written here.</param>
/// <param name="Lock">A number of the database's own, never reused.</param>
/// <param name="Steps">In their order.</param>
internal sealed record SchemaSteps(string Table, long Lock, IReadOnlyList<string> Steps)
{
    /// <summary>Brings the database to this version; one of a later version is left as it is.</summary>
    public async Task EnsureAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync($"SELECT pg_advisory_xact_lock({Lock})");
        await ExecuteAsync($"CREATE TABLE IF NOT EXISTS {Table} (step integer PRIMARY KEY)");
        await using var count = new NpgsqlCommand($"SELECT count(*)::integer FROM {Table}", connection);
        var done = (int)(await count.ExecuteScalarAsync(cancellationToken) ?? 0);
        for (var step = done; step < Steps.Count; step++)
        {
            await ExecuteAsync(Steps[step]);
            await ExecuteAsync($"INSERT INTO {Table} VALUES ({step})");
        }
        await transaction.CommitAsync(cancellationToken);

        // Constants of this program only.
        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }
}
