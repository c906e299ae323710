using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using Lepton.Testing;
using Npgsql;
using static Lepton.Sync.Tests.Storage.TestRecords;

namespace Lepton.Sync.Tests.Storage;

/// <summary>The tables, and how they are read.</summary>
[Collection("postgres")]
public sealed class SchemaTests(SyncServer server) : IAsyncLifetime
{
    private string _connection = "";

    public async Task InitializeAsync() => _connection = await server.CreateDatabaseAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task EnsureSchemaAsync_ManyAtOnceAndAgain_TablesOnce()
    {
        await using TestStorage storage = new(_connection);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => storage.Database.EnsureSchemaAsync(default)));
        await storage.Database.EnsureSchemaAsync(default);

        Assert.Equal(
            ["clocks", "progress", "records", "requests", "schema_steps", "stranded_writes"],
            await ReadAsync("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"));
        Assert.Equal(["0", "1"], await ReadAsync("SELECT step::text FROM schema_steps"));
    }

    /// <summary>The replication decodes this table: names, order and types are agreed with it.</summary>
    [Fact]
    public async Task EnsureSchemaAsync_Records_AsTheReplicationReadsThem()
    {
        await using TestStorage storage = new(_connection);
        await storage.Database.EnsureSchemaAsync(default);

        Assert.Equal(
        [
            "class smallint", "slot smallint", "key bytea", "term bigint", "clock bigint", "kind smallint",
            "key_id uuid", "body bytea", "sha256 bytea", "request_id uuid",
        ], await ReadAsync("""
            SELECT attname || ' ' || format_type(atttypid, NULL) FROM pg_attribute
            WHERE attrelid = 'records'::regclass AND attnum > 0 ORDER BY attnum
            """));
        Assert.Equal(["e"], await ReadAsync(
            "SELECT attstorage::text FROM pg_attribute WHERE attrelid = 'records'::regclass AND attname = 'body'"));
        Assert.Equal(["class, key"], await ReadAsync("""
            SELECT string_agg(attname, ', ' ORDER BY ordinality) FROM pg_index
            CROSS JOIN unnest(indkey) WITH ORDINALITY JOIN pg_attribute ON attrelid = indrelid AND attnum = unnest
            WHERE indrelid = 'records'::regclass AND indisprimary
            """));
    }

    /// <summary>Never the whole table, however stale the statistics: 20,000 rows that nobody analysed.</summary>
    [Fact]
    public async Task EveryStatement_ManyRows_FollowsAnIndex()
    {
        await using (TestStorage storage = new(_connection))
        {
            await storage.Database.EnsureSchemaAsync(default);
            PostgresRecordStore store = storage.Store;
            for (int batch = 0; batch < 4; batch++)
                await store.ApplyAsync(new SourceProgress(new NodeId(1), "t", new LogPosition((ulong)batch)),
                    [.. Enumerable.Range(batch * 5000, 5000).Select(i => Value(
                        $"k{i}", Version(1), request: Guid.NewGuid(), slot: (short)(i % 4096)))], default);
            await store.FindAsync("k7");
            await store.PutAsync(Value("k7", Version(2), request: Guid.NewGuid()), Version(1));
            await store.PutAsync(Tombstone("k8", Version(3), slot: 8), Version(1));
            await store.PutAsync(Value("k9", Version(4), request: Guid.NewGuid()), Version(99));
            await store.KeysAsync("k1", limit: 10);
            await store.KeysAsync(limit: 10, slots: [new SlotId(4)]);
            await store.KeysAsync(limit: 10, slots: [.. Enumerable.Range(0, 100).Select(s => new SlotId((short)s))]);
            await store.ReadSealedAsync([new KeyId(Guid.NewGuid())], null, 10, default);
            await store.DropTombstonesAsync(TestRecords.Class, [new SlotId(8)], long.MaxValue, 10, default);
            await store.ReplaceSlotAsync(TestRecords.Class, new SlotId(9), [Value("k9", Version(5), slot: 9)], default);
            await store.SweepRequestsAsync(before: 2, limit: 10, default);
        }

        // A connection tells what it read when it ends, a moment later.
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        using PeriodicTimer look = new(TimeSpan.FromMilliseconds(20));
        while ((await ReadAsync("SELECT count(*)::text FROM pg_stat_activity WHERE application_name = 'lepton-sync' "
            + "AND datname = current_database()")) is not ["0"])
            await look.WaitForNextTickAsync(patience.Token);
        Assert.Equal(["records 0", "requests 0"], await ReadAsync("""
            SELECT relname || ' ' || seq_tup_read FROM pg_stat_user_tables WHERE relname IN ('records', 'requests')
            AND idx_scan > 100 ORDER BY 1
            """));
    }

    [Fact]
    public async Task SweepAsync_OldRequests_AreForgottenAndNewOnesNot()
    {
        MovableTime time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        await using TestStorage storage = new(_connection, time: time);
        await storage.Database.EnsureSchemaAsync(default);
        RequestSweeper sweeper = new(storage.Store, storage.Options, storage.Metrics, time,
            Microsoft.Extensions.Logging.Abstractions.NullLogger<RequestSweeper>.Instance);
        HybridClock clock = storage.Clock();
        Guid request = Guid.NewGuid();
        await storage.Store.WriteAsync([.. Enumerable.Range(0, 1500).Select(i => new HomeWrite(
            Value($"k{i}", Version(clock.Next()), request: request), null))], default);
        time.Advance(TimeSpan.FromHours(23));
        await storage.Store.PutAsync(Value("later", Version(clock.Next()), request: request));
        Assert.Equal(0, await sweeper.SweepAsync(default));

        time.Advance(TimeSpan.FromHours(2));

        Assert.Equal(1500, await sweeper.SweepAsync(default));
        Assert.Equal(HomeVerdict.Repeated,
            (await storage.Store.PutAsync(Value("later", Version(clock.Next()), request: request))).Verdict);
        Assert.Equal(HomeVerdict.Done,
            (await storage.Store.PutAsync(Value("k1", Version(clock.Next()), request: request))).Verdict);
    }

    private async Task<string[]> ReadAsync(string sql)
    {
        await using NpgsqlConnection connection = new(
            new NpgsqlConnectionStringBuilder(_connection) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        await using NpgsqlCommand command = new(sql, connection);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
        List<string> rows = [];
        while (await reader.ReadAsync())
            rows.Add(reader.GetString(0));
        return [.. rows];
    }
}
