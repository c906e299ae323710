using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Sync.Storage;

/// <summary>Which connections.</summary>
internal enum DatabasePool
{
    /// <summary>The home's own commits have theirs, so that reads never hold them up.</summary>
    Commits,

    /// <summary>Everything else.</summary>
    Others,
}

/// <summary>
/// The node's database: two bounded pools, deadlines, and what failed told apart. Where it is, is read by the first
/// use: its file may come into being while the service starts. A race (serialization, deadlock, the same key inserted
/// twice) and a connection that died while it lay in the pool are tried again here: nothing was done yet.
/// </summary>
internal sealed class RecordDatabase(
    IOptions<StorageOptions> options, StorageMetrics metrics, TimeProvider time, ILoggerFactory loggers)
    : IAsyncDisposable
{
    private const int TriesMax = 3;

    // Every statement finds its rows by an index; a plan made for few rows, or for stale statistics, must not read all.
    private const string Planner = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off "
        + "-c plan_cache_mode=force_generic_plan -c jit=off";

    private readonly Lock _making = new();
    private NpgsqlDataSource? _commits;
    private NpgsqlDataSource? _others;

    /// <summary>A use that changes nothing.</summary>
    /// <exception cref="DatabaseUnavailableException">The database does not answer.</exception>
    public Task<T> ReadAsync<T>(
        string operation, Func<NpgsqlConnection, CancellationToken, Task<T>> work,
        CancellationToken cancellationToken) =>
        RunAsync(DatabasePool.Others, operation, work, cancellationToken);

    /// <summary>A transaction. Cancellation counts until the order to commit: then it is not done.</summary>
    /// <exception cref="DatabaseUnavailableException">Not done.</exception>
    /// <exception cref="DatabaseOutcomeUnknownException">Perhaps done.</exception>
    public Task<T> WriteAsync<T>(
        DatabasePool pool, string operation, Func<NpgsqlConnection, CancellationToken, Task<T>> work,
        CancellationToken cancellationToken) => RunAsync(
        pool, operation, (connection, token) => CommitAsync(connection, work, token), cancellationToken);

    /// <summary>Makes the tables.</summary>
    public async Task EnsureSchemaAsync(CancellationToken cancellationToken)
    {
        await using var connection = await SourceOf(DatabasePool.Others).OpenConnectionAsync(cancellationToken);
        await Schema.EnsureAsync(connection, cancellationToken);
    }

    /// <summary>Reads anew where it is: an earlier run's file may have been there.</summary>
    public async Task ForgetAsync()
    {
        NpgsqlDataSource? commits, others;
        lock (_making)
            (commits, others, _commits, _others) = (_commits, _others, null, null);
        await DisposeAsync(commits);
        await DisposeAsync(others);
    }

    public async ValueTask DisposeAsync() => await ForgetAsync();

    private static async Task<T> CommitAsync<T>(
        NpgsqlConnection connection, Func<NpgsqlConnection, CancellationToken, Task<T>> work,
        CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var result = await work(connection, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            await transaction.CommitAsync(CancellationToken.None);
            return result;
        }
        catch (PostgresException e) when (e.InvariantSeverity == "ERROR")
        {
            throw; // the server said that it rolled back
        }
        catch (Exception e) when (IsUnavailable(e))
        {
            throw new DatabaseOutcomeUnknownException("The connection was lost while a transaction was committed.", e);
        }
    }

    private async Task<T> RunAsync<T>(
        DatabasePool pool, string operation, Func<NpgsqlConnection, CancellationToken, Task<T>> work,
        CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        for (var tries = 1; ; tries++)
        {
            NpgsqlDataSource? source = null;
            var isOpen = false;
            try
            {
                source = SourceOf(pool);
                await using var connection = await source.OpenConnectionAsync(cancellationToken);
                isOpen = true;
                var result = await work(connection, cancellationToken);
                metrics.Used(operation, time.GetElapsedTime(start));
                return result;
            }
            catch (PostgresException e) when (IsRace(e) && tries < TriesMax)
            {
            }
            catch (Exception e) when (isOpen && tries == 1 && IsLostConnection(e))
            {
                source?.Clear(); // those that lie beside it are as dead
            }
            catch (DatabaseOutcomeUnknownException)
            {
                metrics.Failed(operation, "unknown");
                source?.Clear();
                throw;
            }
            catch (Exception e) when (IsUnavailable(e))
            {
                metrics.Failed(operation, "unavailable");
                throw new DatabaseUnavailableException($"The database does not answer ({operation}): {e.Message}", e);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                metrics.Failed(operation, e.GetType().Name);
                throw;
            }
        }
    }

    private static bool IsRace(PostgresException e) => e.SqlState is PostgresErrorCodes.SerializationFailure
        or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.UniqueViolation;

    private static bool IsLostConnection(Exception e) => e switch
    {
        PostgresException p => p.SqlState.StartsWith("57P", StringComparison.Ordinal),
        NpgsqlException { InnerException: TimeoutException } => false,
        NpgsqlException => true,
        _ => false,
    };

    // Nothing that another statement, or another version of this program, would mend.
    private static bool IsUnavailable(Exception e) => e switch
    {
        PostgresException p => p.IsTransient || IsRace(p)
            || p.SqlState is PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.ReadOnlySqlTransaction
            || p.SqlState.StartsWith("57P", StringComparison.Ordinal)
            || p.SqlState.StartsWith("08", StringComparison.Ordinal),
        NpgsqlException or IOException or SocketException or TimeoutException => true,
        _ => false,
    };

    private NpgsqlDataSource SourceOf(DatabasePool pool)
    {
        lock (_making)
        {
            return pool == DatabasePool.Commits
                ? _commits ??= MakeSource(options.Value.CommitConnections)
                : _others ??= MakeSource(options.Value.OtherConnections);
        }
    }

    private NpgsqlDataSource MakeSource(int connections) => DataSources.Make(
        options.Value.ReadConnection(), "lepton-sync", connections, options.Value.ConnectTimeMax,
        options.Value.CommandTimeMax, loggers, connection =>
        {
            connection.MaxAutoPrepare = 32;
            connection.AutoPrepareMinUsages = 2;
            connection.NoResetOnClose = true; // nothing here changes a session
            connection.Options = Planner;
        });

    private static async Task DisposeAsync(NpgsqlDataSource? source)
    {
        if (source is not null)
            await source.DisposeAsync();
    }
}
