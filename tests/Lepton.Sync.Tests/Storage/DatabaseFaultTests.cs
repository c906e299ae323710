using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using Lepton.Testing;
using Npgsql;
using static Lepton.Sync.Tests.Storage.TestRecords;

namespace Lepton.Sync.Tests.Storage;

/// <summary>
/// A database that does not answer, at each place: what was done, what was not, and what cannot be told.
/// </summary>
[Collection("postgres")]
public sealed class DatabaseFaultTests(SyncServer server) : IAsyncLifetime
{
    private string _connection = "";
    private TestStorage _storage = null!;

    public async Task InitializeAsync()
    {
        _connection = await server.CreateDatabaseAsync();
        _storage = new TestStorage(_connection);
        await _storage.Database.EnsureSchemaAsync(default);
    }

    public async Task DisposeAsync() => await _storage.DisposeAsync();

    [Fact]
    public async Task AnyCall_NoServerThere_IsUnavailable()
    {
        await using TestStorage storage = new(new NpgsqlConnectionStringBuilder(_connection)
        {
            Host = Path.Combine(Path.GetTempPath(), "no-such-folder"),
        }.ConnectionString);

        await Assert.ThrowsAsync<DatabaseUnavailableException>(() => storage.Store.FindAsync("a"));
        await Assert.ThrowsAsync<DatabaseUnavailableException>(() => storage.Store.PutAsync(Value("a", Version(1))));
        await Assert.ThrowsAsync<DatabaseUnavailableException>(() => storage.Store.ApplyAsync(
            new SourceProgress(new NodeId(1), "t", new LogPosition(1)), [], default));
        await using HomeWriter writer = storage.Writer(storage.Store);
        Assert.Equal(new HomeOutcome(HomeOutcomeKind.NotDone), await writer.WriteAsync(Draft("a"), default));
    }

    [Fact]
    public async Task WriteAsync_ARowThatStaysLocked_IsUnavailableAndNotDone()
    {
        await _storage.Store.PutAsync(Value("a", Version(1)));
        await using TestStorage hasty = new(
            new NpgsqlConnectionStringBuilder(_connection) { CommandTimeout = 1 }.ConnectionString);
        await using NpgsqlConnection other = new(_connection);
        await other.OpenAsync();
        await using (NpgsqlTransaction transaction = await other.BeginTransactionAsync())
        {
            await ExecuteAsync(other, "SELECT FROM records FOR UPDATE");
            await Assert.ThrowsAsync<DatabaseUnavailableException>(
                () => hasty.Store.PutAsync(Value("a", Version(2))));
        }

        Assert.Equal(HomeVerdict.Done, (await _storage.Store.PutAsync(Value("a", Version(3)), Version(1))).Verdict);
    }

    /// <summary>The order to commit was given: nobody can tell.</summary>
    [Fact]
    public async Task WriteAsync_TheConnectionEndsDuringTheCommit_IsUnknown()
    {
        await DuringCommitAsync("PERFORM pg_terminate_backend(pg_backend_pid())");

        await Assert.ThrowsAsync<DatabaseOutcomeUnknownException>(() => _storage.Store.PutAsync(Draw()));
        await using HomeWriter writer = _storage.Writer(_storage.Store);
        Assert.Equal(new HomeOutcome(HomeOutcomeKind.Unknown), await writer.WriteAsync(Draft("a"), default));
    }

    /// <summary>The server said that it rolled back: not unknown, and trying again would not help.</summary>
    [Fact]
    public async Task WriteAsync_TheCommitIsRefused_IsABugAndNotDone()
    {
        await DuringCommitAsync("RAISE EXCEPTION 'refused'");

        await Assert.ThrowsAsync<PostgresException>(() => _storage.Store.PutAsync(Draw()));
        Assert.Null(await _storage.Store.FindAsync("a"));
    }

    [Fact]
    public async Task WriteAsync_TheCommitMeetsARace_IsTriedAgainThenUnavailable()
    {
        await DuringCommitAsync("RAISE EXCEPTION 'race' USING ERRCODE = '40001'");

        await Assert.ThrowsAsync<DatabaseUnavailableException>(() => _storage.Store.PutAsync(Draw()));
        Assert.Null(await _storage.Store.FindAsync("a"));
    }

    [Fact]
    public async Task AnyCall_ConnectionsDiedInThePool_OthersAreOpened()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => _storage.Store.PutAsync(Value($"k{i}", Version(1)))));
        await _storage.Store.FindAsync("k1");
        await using NpgsqlConnection super = new(server.SuperConnection);
        await super.OpenAsync();
        string database = new NpgsqlConnectionStringBuilder(_connection).Database!;
        await ExecuteAsync(
            super, $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");

        Assert.Equal(HomeVerdict.Done, (await _storage.Store.PutAsync(Value("a", Version(1)))).Verdict);
        Assert.NotNull(await _storage.Store.FindAsync("a"));
    }

    [Fact]
    public async Task WriteAsync_CancelledBeforeTheCommit_IsNotDone()
    {
        using CancellationTokenSource cancelled = new();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _storage.Store.WriteAsync(
            [new HomeWrite(Value("a", Version(1)), null)], cancelled.Token));
        Assert.Null(await _storage.Store.FindAsync("a"));
    }

    private static StoredRecord Draw() => Value("a", Version(1), request: Guid.NewGuid());

    private static WriteDraft Draft(string key)
    {
        Guid request = Guid.NewGuid();
        return new WriteDraft
        {
            Class = TestRecords.Class, Slot = Slot, Key = Key(key), Term = 1, Kind = RecordKind.Value, Bytes = 100,
            RequestId = request, Seal = version => Value(key, version, request: request),
        };
    }

    // A deferred trigger runs when the order to commit has come.
    private async Task DuringCommitAsync(string what)
    {
        await using NpgsqlConnection connection = new(_connection);
        await connection.OpenAsync();
        await ExecuteAsync(connection, $"""
            CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {what}; RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER meet AFTER INSERT ON requests DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION meet()
            """);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using NpgsqlCommand command = new(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
