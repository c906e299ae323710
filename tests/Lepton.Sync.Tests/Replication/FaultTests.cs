using System.Collections.Concurrent;
using System.Text;
using Google.Protobuf;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Receiver;
using Lepton.Sync.Tests.Replication.World;
using Lepton.Testing;
using Npgsql;

namespace Lepton.Sync.Tests.Replication;

/// <summary>S3: servers that are killed, frames and rows that come damaged, a spool that was too small.</summary>
[Collection("postgres")]
[Trait("Category", "Long")] // with real servers: minutes
public sealed class FaultTests(SyncServer server)
{
    private const int Kills = 2;
    private const int WritesPerLife = 60;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task KilledServer_OfSourceOrReceiver_LosesNoAcknowledgedWrite(int killed)
    {
        PostgresServer own = new("sync", replicates: true);
        await own.InitializeAsync();
        try
        {
            PostgresServer[] servers = [server, server];
            servers[killed] = own;
            await using TestCluster cluster = await TestCluster.StartAsync(
                servers, Maps.Make(1, [0, 1], [0, 1]));
            ConcurrentBag<string> acknowledged = [];
            for (int life = 0; life < Kills; life++)
            {
                int half = acknowledged.Count + (WritesPerLife / 2);
                Task writing = WriteAsync(cluster[0], life, acknowledged);
                await Until.TrueAsync(() => writing.IsCompleted || acknowledged.Count >= half, "writes are under way");
                await own.CrashAsync();
                await writing;
            }

            await cluster.SameAsync(0, 1);
            HashSet<string> held = [.. (await cluster[1].Store.AllAsync()).Select(
                r => Encoding.UTF8.GetString(r.Key.Span))];
            Assert.DoesNotContain(acknowledged, key => !held.Contains(key));
            Assert.InRange(acknowledged.Count, Kills * WritesPerLife / 2, Kills * WritesPerLife);
            await cluster.WholeAsync(0, 1);
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    [Fact]
    public async Task Frame_DamagedOnItsWay_IsAskedForAnew()
    {
        int damaged = 0;
        await using TestCluster cluster = await TestCluster.StartAsync([server, server],
            Maps.Make(1, [0, 1], [0, 1]), 0, own => new ChangedAnswers(own, (_, message) =>
            {
                if (message.Frame is not { } frame || damaged >= 3)
                    return;
                damaged++;
                byte[] bytes = frame.Batch.ToByteArray();
                bytes[^1] ^= 1;
                frame.Batch = ByteString.CopyFrom(bytes);
            }));
        await cluster.WholeAsync(0, 1);

        for (int i = 1; i <= 5; i++)
            await cluster[0].Store.PutAsync(Rows.Make(0, i, $"k/{i}", i));

        await cluster.SameAsync(0, 1);
        Assert.Equal(3, damaged);
        Assert.Equal(0, cluster[1].Get<Quarantine>().Count);
    }

    [Fact]
    public async Task Row_DamagedWhereItComesFrom_IsPutAsideAndReportedAndHoldsUpNoOther()
    {
        static StoredRecord Damage(StoredRecord row) => row.Key.Span.SequenceEqual("bad"u8)
            ? row with { Body = new byte[row.Body.Length] }
            : row;
        await using TestCluster cluster = await TestCluster.StartAsync([server, server],
            Maps.Make(1, [0, 1], [0, 1]), 0, own => new ChangedAnswers(own,
                (_, message) =>
                {
                    if (message.Frame is { } frame)
                        ChangedAnswers.Rewrite(frame, Damage);
                },
                copied => (copied.Batch, copied.Crc32C) = ChangedAnswers.Rewritten(copied.Batch, Damage)),
            settings: new() { ["Sync:Replication:DamagedTriesMax"] = "3" });
        await cluster.WholeAsync(0, 1);

        await cluster[0].Store.PutAsync(Rows.Make(0, 1, "before", 1));
        await cluster[0].Store.PutAsync(Rows.Make(0, 1, "bad", 2));
        await cluster[0].Store.PutAsync(Rows.Make(0, 1, "after", 3));

        await Until.TrueAsync(async () => (await cluster[1].Store.AllAsync()).Count == 2, "the others are held");
        Assert.Equal(["after", "before"], (await cluster[1].Store.AllAsync()).Select(
            r => Encoding.UTF8.GetString(r.Key.Span)));
        Assert.Equal(1, cluster[1].Get<Quarantine>().Count);
        Assert.Single(Directory.EnumerateFiles(Path.Combine(
            cluster[1].Get<Sync.Replication.ReplicationOptions>().SpoolDirectory, "quarantine"), "*.row"));
    }

    [Fact]
    public async Task Spool_TooSmallForACutOffReceiver_IsCopiedAround()
    {
        await using TestCluster cluster = await TestCluster.StartAsync([server, server],
            Maps.Make(1, [0, 1], [0, 1]), settings: new()
            {
                ["Sync:Replication:SegmentBytesMax"] = "16384", ["Sync:Replication:SpoolBytesMax"] = "65536",
                ["Sync:Replication:SpoolMemoryBytesMax"] = "65536",
            });
        await cluster[0].Store.PutAsync(Rows.Make(0, 1, "first", 1));
        await cluster.SameAsync(0, 1);
        await cluster.WholeAsync(0, 1);

        cluster.Wires[0].Cut();
        for (int i = 1; i <= 100; i++)
            await cluster[0].Store.PutAsync(Rows.Make(0, i, $"k/{i}", 10 + i, 5000));
        Sync.Replication.Spooling.Spool spool = cluster[0].Get<Sync.Replication.Spooling.Spool>();
        LogPosition position = cluster[1].Lag.SightOf(new NodeId(0))!.Applied;
        await Until.TrueAsync(() => spool.Start > position, "the spool gave up what node 1 lacks");
        cluster.Wires[0].Heal();

        await cluster.SameAsync(0, 1);
        Assert.InRange(spool.Bytes, 0, 65536);
    }

    // A write during the crash may or may not have been committed: only acknowledged ones are counted.
    private static async Task WriteAsync(TestNode home, int life, ConcurrentBag<string> acknowledged)
    {
        for (int i = 0; i < WritesPerLife; i++)
        {
            string key = $"{life}/{i}";
            try
            {
                await home.Store.PutAsync(Rows.Make(0, i, key, 1));
                acknowledged.Add(key);
            }
            catch (Exception e) when (e is NpgsqlException or IOException or InvalidOperationException)
            {
                await Until.TrueAsync(() => AnswersAsync(home), "the server is back");
            }
        }
    }

    private static async Task<bool> AnswersAsync(TestNode node)
    {
        try
        {
            await node.Store.ScalarAsync("SELECT 1");
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }
}
