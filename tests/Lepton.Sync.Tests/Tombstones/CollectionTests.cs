using Lepton.Sync.Replication.Capture;
using Lepton.Sync.Tests.World;
using Lepton.Sync.Tombstones;
using Lepton.Sync.V1;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Lepton.Sync.Tests.Tombstones;

/// <summary>
/// S4, P3: tombstones go when every replica has them, and nothing that they stood against comes back. Whole nodes, real
/// databases; rounds are made by hand, by a clock of next week.
/// </summary>
[Collection("postgres")]
[Trait("Category", "Long")] // with real servers: minutes
public sealed class CollectionTests(SyncServer server)
{
    private static readonly string[] Keys = [.. Enumerable.Range(0, 24).Select(i => $"k{i}")];

    [Fact]
    public async Task Collect_ConfirmedAndOld_AreGoneOnEveryNode()
    {
        await using TestSync world = await TestSync.StartAsync(server, ["eu-west-a", "eu-west-b"]);
        await PutAndDeleteAsync(world.Keepers[0]);
        await EventuallyAsync(world.Keepers[1], Keys.Length);

        foreach (TestKeeper keeper in world.Keepers)
            for (int i = 0; i < 3; i++)
                Assert.Equal(0, await CollectorOf(keeper, TimeSpan.FromDays(6)).CollectAsync(default)); // young
        await CollectAllAsync(world.Keepers);

        foreach (TestKeeper keeper in world.Keepers)
            Assert.Equal("RECORD_UNKNOWN", await Calls.RefusalAsync(() => keeper.GetAsync("eu-personal", Keys[0])));
        WriteResult again = await world.Keepers[1].PutAsync("eu-personal", Keys[0], "new", expected: "0");
        Assert.True(again.Durability.ZoneConfirmed);
        Assert.Equal("new", (await world.Keepers[0].GetAsync("eu-personal", Keys[0])).Text());
    }

    [Fact]
    public async Task Collect_AReplicaIsAway_WaitsForIt()
    {
        await using TestSync world = await TestSync.StartAsync(server, ["eu-west-a", "eu-west-b"]);
        (TestKeeper a, TestKeeper b) = (world["eu-west-a"], world["eu-west-b"]);
        string[] own = [.. await AtAsync(a, "eu-west-a")];
        foreach (string key in own)
            await a.PutAsync("eu-personal", key, "1");
        await b.StopAsync();
        foreach (string key in own)
            await a.Records.DeleteAsync(
                new DeleteRequest { Key = Calls.Key("eu-personal", key), Level = WriteLevel.Local }, Calls.Options);

        NextWeek later = new(TimeSpan.FromDays(8));
        TombstoneCollector collector = CollectorOf(a, later);
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(0, await collector.CollectAsync(default));
            later.Advance(TimeSpan.FromMinutes(1)); // each round gives its place in the log up for a newer one
        }
        Assert.Equal(own.Length, await TombstonesAsync(a));

        await b.StartAsync();
        await CollectAllAsync(world.Keepers);
    }

    /// <summary>The successor deletes what the old home has: it comes back, and learns of it before it is
    /// forgotten.</summary>
    [Fact]
    public async Task Collect_TheOldHomeReturns_ItsVersionsDoNot()
    {
        await using TestSync world = await TestSync.StartAsync(server, ["eu-west-a", "eu-west-b"]);
        (TestKeeper a, TestKeeper b) = (world["eu-west-a"], world["eu-west-b"]);
        string[] own = [.. await AtAsync(a, "eu-west-a")];
        foreach (string key in own)
            await a.PutAsync("eu-personal", key, "1");
        await b.PutAsync("eu-personal", "another", "1", level: WriteLevel.Zone);
        await a.StopAsync();
        await Calls.EventuallyAsync(async () => (await b.Topology.PromoteAsync(
            new PromoteRequest { Node = "eu-west-a" }, Calls.Options)).Epoch > 1);
        foreach (string key in own)
            await Calls.EventuallyAsync(async () => (await b.Records.DeleteAsync(
                new DeleteRequest { Key = Calls.Key("eu-personal", key), Level = WriteLevel.Local },
                Calls.Options)).Result.Durability.Committed);
        TombstoneCollector collector = CollectorOf(b, TimeSpan.FromDays(8));
        for (int i = 0; i < 3; i++)
            Assert.Equal(0, await collector.CollectAsync(default)); // the promoted home's own wait, too

        await a.StartAsync();
        await CollectAllAsync(world.Keepers);

        await a.StopAsync();
        await a.StartAsync();
        await a.WholeAsync();
        foreach (string key in own)
            Assert.Equal("RECORD_UNKNOWN", await Calls.RefusalAsync(
                () => a.GetAsync("eu-personal", key, ReadConsistency.Local)));
    }

    /// <summary>A replica's database is put back to before the deletions, which are collected everywhere by
    /// now.</summary>
    [Theory]
    [InlineData(false)] // the home's spool has them still
    [InlineData(true)] // it has not: slots are copied, in which they do not show
    public async Task Collect_AReplicaIsRestored_ItsOldVersionsAreReplaced(bool isPositionLost)
    {
        await using TestSync world = await TestSync.StartAsync(server, ["eu-west-a", "eu-west-b"]);
        (TestKeeper a, TestKeeper b) = (world["eu-west-a"], world["eu-west-b"]);
        string[] own = [.. await AtAsync(a, "eu-west-a")];
        foreach (string key in own)
            await a.PutAsync("eu-personal", key, "1", level: WriteLevel.Zone);
        await b.StopAsync();
        RowsKept backup = await RowsKept.OfAsync(b);
        await b.StartAsync();
        foreach (string key in own)
            await a.Records.DeleteAsync(new DeleteRequest { Key = Calls.Key("eu-personal", key) }, Calls.Options);
        await CollectAllAsync(world.Keepers);
        await b.StopAsync();
        if (isPositionLost)
            await LoseSlotAsync(a);

        await backup.RestoreAsync();
        await b.StartAsync();

        // A replica that was put back answers LOCAL by what it has, until it has heard its home.
        await Calls.EventuallyAsync(
            async () => await ScalarAsync(b, "SELECT count(*) FROM records WHERE kind = 0") == 0);
        foreach (string key in own)
            Assert.Equal("RECORD_UNKNOWN", await Calls.RefusalAsync(
                () => b.GetAsync("eu-personal", key, ReadConsistency.Local)));
        await b.WholeAsync();
        Assert.Equal(isPositionLost ? own.Length : 0L, await ScalarAsync(b, "SELECT count(*) FROM stranded_writes"));
        await CollectAllAsync(world.Keepers);
    }

    private static async Task PutAndDeleteAsync(TestKeeper keeper)
    {
        foreach (string key in Keys)
            await keeper.PutAsync("eu-personal", key, "1");
        foreach (string key in Keys)
            await keeper.Records.DeleteAsync(
                new DeleteRequest { Key = Calls.Key("eu-personal", key) }, Calls.Options);
    }

    /// <summary>Keys whose home is a node.</summary>
    private static async Task<List<string>> AtAsync(TestKeeper asked, string home)
    {
        List<string> own = [];
        foreach (string key in Keys)
            if ((await asked.Topology.LocateAsync(
                new LocateRequest { Key = Calls.Key("eu-personal", key) }, Calls.Options))
                .Replicas.Single(r => r.Home).Node == home)
                own.Add(key);
        return own;
    }

    /// <summary>Rounds on every node, until no tombstone is anywhere.</summary>
    private static async Task CollectAllAsync(IReadOnlyList<TestKeeper> keepers)
    {
        TombstoneCollector[] collectors = [.. keepers.Select(k => CollectorOf(k, TimeSpan.FromDays(8)))];
        await Calls.EventuallyAsync(async () =>
        {
            long left = 0;
            for (int i = 0; i < keepers.Count; i++)
            {
                await collectors[i].CollectAsync(default);
                left += await TombstonesAsync(keepers[i]);
            }
            return left == 0;
        });
    }

    private static TombstoneCollector CollectorOf(TestKeeper keeper, TimeSpan ahead) =>
        CollectorOf(keeper, new NextWeek(ahead));

    // The node's own parts, but for the clock.
    private static TombstoneCollector CollectorOf(TestKeeper keeper, TimeProvider time) =>
        ActivatorUtilities.CreateInstance<TombstoneCollector>(
            keeper.Services, time, keeper.Services.GetRequiredService<SettledTombstones>());

    private static Task EventuallyAsync(TestKeeper keeper, long tombstones) =>
        Calls.EventuallyAsync(async () => await TombstonesAsync(keeper) == tombstones);

    private static Task<long> TombstonesAsync(TestKeeper keeper) =>
        ScalarAsync(keeper, "SELECT count(*) FROM records WHERE kind = 1");

    private static async Task<long> ScalarAsync(TestKeeper keeper, string sql)
    {
        await using NpgsqlConnection connection = new(keeper.Database);
        await connection.OpenAsync();
        await using NpgsqlCommand command = new(sql, connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static async Task LoseSlotAsync(TestKeeper keeper)
    {
        PgCaptureSlot slot = keeper.Services.GetRequiredService<PgCaptureSlot>();
        string before = keeper.Services.GetRequiredService<Sync.Replication.Source.Confirmations>().Timeline;
        await slot.DropAsync(default);
        await Calls.EventuallyAsync(() => Task.FromResult(
            keeper.Services.GetRequiredService<Sync.Replication.Source.Confirmations>().Timeline != before));
    }

    /// <summary>The machine's clock, so much ahead.</summary>
    private sealed class NextWeek(TimeSpan ahead) : TimeProvider
    {
        private TimeSpan _ahead = ahead;

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + _ahead;

        public override long GetTimestamp() => System.GetTimestamp() + (long)(_ahead.TotalSeconds * TimestampFrequency);

        public void Advance(TimeSpan by) => _ahead += by;
    }

    /// <summary>What a backup holds of a node: every table of its database, rows and progress alike.</summary>
    private sealed class RowsKept(TestKeeper keeper, string[] tables)
    {
        public static async Task<RowsKept> OfAsync(TestKeeper keeper)
        {
            await using NpgsqlConnection connection = new(keeper.Database);
            await connection.OpenAsync();
            List<string> tables = [];
            await using (NpgsqlCommand list = new(
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'", connection))
            await using (NpgsqlDataReader reader = await list.ExecuteReaderAsync())
                while (await reader.ReadAsync())
                    tables.Add(reader.GetString(0));
            tables.RemoveAll(t => t is "schema_steps" or "erasure_steps");
            foreach (string table in tables)
            {
                await using NpgsqlCommand keep = new($"CREATE TABLE kept_{table} AS TABLE {table}", connection);
                await keep.ExecuteNonQueryAsync();
            }
            return new RowsKept(keeper, [.. tables]);
        }

        /// <summary>As the restored server is: these rows, and no replication slot.</summary>
        public async Task RestoreAsync()
        {
            await using NpgsqlConnection connection = new(keeper.Database);
            await connection.OpenAsync();
            await using NpgsqlCommand restore = new($"""
                SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
                    WHERE database = current_database();
                TRUNCATE {string.Join(", ", tables)};
                {string.Join('\n', tables.Select(t => $"INSERT INTO {t} SELECT * FROM kept_{t};"))}
                """, connection);
            await restore.ExecuteNonQueryAsync();
        }
    }
}
