using System.Data.Common;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Compliance.Audit.Storage;

/// <summary>The database does not answer, or the log cannot be written now: nothing was acknowledged.</summary>
internal sealed class LogUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The zone's database: a bounded pool for reads and other work, and single connections for whoever holds a lock. Where
/// it is, is read by the first use: its file may come into being while the service runs.
/// </summary>
internal sealed class AuditDatabase(IOptions<AuditOptions> options, ILoggerFactory loggers) : IAsyncDisposable
{
    private readonly Lock _making = new();
    private NpgsqlDataSource? _pool;

    /// <summary>A connection of its own, not from the pool, whose session may hold a lock.</summary>
    public async Task<NpgsqlConnection> OpenOwnAsync(CancellationToken cancellationToken)
    {
        NpgsqlConnectionStringBuilder connection = Settings("lepton-audit-log");
        connection.Pooling = false;
        connection.TcpKeepAlive = true;
        NpgsqlConnection open = new(connection.ConnectionString);
        try
        {
            await open.OpenAsync(cancellationToken);
            return open;
        }
        catch
        {
            await open.DisposeAsync();
            throw;
        }
    }

    /// <summary>A use by a connection of the pool.</summary>
    /// <exception cref="LogUnavailableException">The database does not answer.</exception>
    public async Task<T> UseAsync<T>(
        Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await Pool().OpenConnectionAsync(cancellationToken);
            return await work(connection, cancellationToken);
        }
        catch (Exception e) when (IsUnavailable(e))
        {
            throw new LogUnavailableException($"The audit log's database does not answer: {e.Message}", e);
        }
    }

    /// <summary>A transaction by a connection of the pool.</summary>
    /// <exception cref="LogUnavailableException">The database does not answer; it may have been done.</exception>
    public Task<T> WriteAsync<T>(
        Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken) =>
        UseAsync(async (connection, token) =>
        {
            await using var transaction = await connection.BeginTransactionAsync(token);
            var result = await work(connection, token);
            await transaction.CommitAsync(CancellationToken.None);
            return result;
        }, cancellationToken);

    /// <summary>One statement of constants and parameters; how many rows it changed.</summary>
    public Task<int> ExecuteAsync(
        string sql, IReadOnlyList<NpgsqlParameter> parameters, CancellationToken cancellationToken) =>
        UseAsync(async (connection, token) =>
        {
            await using NpgsqlCommand command = new(sql, connection);
            foreach (var parameter in parameters)
                command.Parameters.Add(parameter);
            return await command.ExecuteNonQueryAsync(token);
        }, cancellationToken);

    /// <summary>Rows of one statement.</summary>
    public Task<List<T>> QueryAsync<T>(
        string sql, IReadOnlyList<NpgsqlParameter> parameters, Func<NpgsqlDataReader, T> read,
        CancellationToken cancellationToken) =>
        UseAsync(async (connection, token) =>
        {
            await using NpgsqlCommand command = new(sql, connection);
            foreach (var parameter in parameters)
                command.Parameters.Add(parameter);
            List<T> rows = [];
            await using var reader = await command.ExecuteReaderAsync(token);
            while (await reader.ReadAsync(token))
                rows.Add(read(reader));
            return rows;
        }, cancellationToken);

    /// <summary>Reads anew where it is.</summary>
    public async Task ForgetAsync()
    {
        NpgsqlDataSource? pool;
        lock (_making)
            (pool, _pool) = (_pool, null);
        if (pool is not null)
            await pool.DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await ForgetAsync();

    /// <summary>
    /// What another try may mend: no connection, a server that starts or stops, one whose supervisor has not made our
    /// role or database yet. Not an error of ours.
    /// </summary>
    public static bool IsUnavailable(Exception e) => e switch
    {
        PostgresException p => p.IsTransient || p.SqlState is PostgresErrorCodes.InvalidPassword
            or PostgresErrorCodes.InvalidAuthorizationSpecification or PostgresErrorCodes.InvalidCatalogName
            or PostgresErrorCodes.UndefinedTable // the log makes them when it is opened first
            or PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.ReadOnlySqlTransaction
            || p.SqlState.StartsWith("57P", StringComparison.Ordinal)
            || p.SqlState.StartsWith("08", StringComparison.Ordinal)
            || p.SqlState.StartsWith("53", StringComparison.Ordinal), // no disk, no memory
        NpgsqlException or IOException or SocketException or TimeoutException => true,
        ObjectDisposedException => true, // the pool was forgotten between its finding and its use
        _ => false,
    };

    private NpgsqlDataSource Pool()
    {
        lock (_making)
        {
            if (_pool is not null)
                return _pool;
            var connection = Settings("lepton-audit");
            connection.MaxPoolSize = options.Value.Connections;
            connection.MaxAutoPrepare = 32;
            connection.AutoPrepareMinUsages = 3;
            return _pool = new NpgsqlDataSourceBuilder(connection.ConnectionString).UseLoggerFactory(loggers).Build();
        }
    }

    private NpgsqlConnectionStringBuilder Settings(string name)
    {
        NpgsqlConnectionStringBuilder connection = new()
        {
            Timeout = (int)options.Value.ConnectTimeMax.TotalSeconds,
            CommandTimeout = (int)options.Value.CommandTimeMax.TotalSeconds,
            ApplicationName = name,
            Options = "-c synchronous_commit=on -c jit=off -c timezone=UTC",
        };
        DbConnectionStringBuilder own = new() { ConnectionString = options.Value.ReadConnection() };
        foreach (var (key, value) in own.Cast<KeyValuePair<string, object>>())
            connection[key] = value;
        connection.IncludeErrorDetail = false; // it would hold rows
        return connection;
    }
}
