using Npgsql;

namespace Lepton.Sync.Storage;

/// <summary>
/// The greatest clock that was ever written here. An index on the rows' clocks would be written anew with each update;
/// one row for all would make every commit wait for the one before. So each connection raises a row of its own (two
/// that share one wait for each other, no more), last in its transaction, so that none waits while it holds it.
/// </summary>
internal static class GreatestClock
{
    private const string RaiseSql =
        """
        INSERT INTO clocks AS c (lane, clock) VALUES (pg_backend_pid() % 1024, $1)
        ON CONFLICT (lane) DO UPDATE SET clock = greatest(c.clock, excluded.clock) RETURNING pg_current_xact_id()
        """;

    private const string ReadSql = "SELECT coalesce(max(clock), 0) FROM clocks";

    /// <summary>The last command of a batch; returns the transaction's id.</summary>
    public static NpgsqlBatchCommand Raise(long clock) => new(RaiseSql)
    {
        Parameters = { RecordColumns.Value(clock) },
    };

    public static async Task<long> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ReadSql, connection);
        return (long)(await command.ExecuteScalarAsync(cancellationToken) ?? 0L);
    }
}
