using Lepton.Sync.Records;
using Lepton.Sync.Replication.Capture;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;
using Lepton.Sync.Tests.Replication.World;

namespace Lepton.Sync.Tests.Replication;

/// <summary>S3, S6: nodes over mutual TLS with databases of their own: what is committed at a home comes to its
/// replicas.</summary>
[Collection("postgres")]
[Trait("Category", "Long")] // with real servers: minutes
public sealed class ReplicationTests(SyncServer server)
{
    private const int Writers = 4;
    private const int WritesEach = 150;

    [Fact]
    public async Task Stream_ConcurrentWritersAndCutsAnywhere_ReplicasHoldAllAndNothingElse()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(
            [server, server, server], Maps.Make(1, [0, 1, 2], [0, 1]));
        using CancellationTokenSource written = new();
        Task<List<SourceProgress>> watching = WatchProgressAsync(cluster[1], written.Token);
        Task writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(w => WriteAsync(cluster[0], w)));

        Random random = new(7);
        for (long cutAt = 0; !writing.IsCompleted; cutAt = cluster.Wires[0].Bytes + random.Next(1, 60_000))
        {
            await Until.TrueAsync(() => writing.IsCompleted || cluster.Wires[0].Bytes > cutAt, "bytes come through");
            cluster.Wires[0].CutOnce();
        }
        await writing;

        await cluster.SameAsync(0, 1);
        await cluster.SameAsync(0, 2, "class = 0");
        await written.CancelAsync();
        Assert.Empty(await cluster[2].Store.AllAsync("class = 1")); // S6
        Assert.Equal(Writers * WritesEach, (await cluster[1].Store.AllAsync()).Select(r => r.Version.Clock).Max() / 10);
        List<SourceProgress> seen = await watching;
        Assert.Single(seen.Select(p => p.Timeline).Distinct());
        Assert.Equal(seen.Select(p => p.Position.Value).Order(), seen.Select(p => p.Position.Value));
        Assert.True(seen.Select(p => p.Position).Distinct().Count() > 1);
    }

    [Fact]
    public async Task Copy_RowsFromBeforeAndLargeTransactions_AllComeWhole()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(
            [server, server], Maps.Make(1, [0, 1], [0, 1]));
        await cluster.StopAsync(1);
        StoredRecord[] rows = [.. Enumerable.Range(0, 5000).Select(i => Rows.Make(0, i % 4096, $"k/{i}", i + 1, 2000))];
        await cluster[0].Store.PutAsync(rows);
        await cluster[0].Store.PutAsync(Rows.Make(0, 1, "k/1", 9000, 0, kind: RecordKind.Tombstone));

        await cluster.StartAsync(1);
        await cluster.SameAsync(0, 1);
        await cluster.WholeAsync(0, 1);

        // 10 MB in one transaction, by the stream: more than may be unacknowledged.
        await cluster[0].Store.PutAsync([.. rows.Select(r => Rows.Make(0, r.Slot.Value,
            System.Text.Encoding.UTF8.GetString(r.Key.Span), r.Version.Clock + 10_000, 2000))]);
        await cluster.SameAsync(0, 1);
        Assert.Equal(5000, (await cluster[1].Store.AllAsync("clock > 10000")).Count);
    }

    [Fact]
    public async Task Confirmation_OfARealWrite_IsMetByRealReplicasOnly()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(
            [server, server, server], Maps.Make(1, [0, 1, 2], [0, 1]));
        await cluster.WholeAsync(0, 1);
        await cluster.WholeAsync(0, 2);

        Confirmation each = await ConfirmAsync(cluster[0], "k/1", 1, SafetyLevel.Each, Until.Patience);
        Assert.Equal((ConfirmationState.Met, "us"), (each.State, Assert.Single(each.Regions)));
        Assert.Single(await cluster[2].Store.AllAsync("clock = 1"));

        // Its receiver cannot commit: it is not confirmed by the fact that it was sent.
        cluster[2].Store.FailApplies(int.MaxValue);
        using CancellationTokenSource enough = new();
        Task<Confirmation> remote = ConfirmAsync(cluster[0], "k/2", 2, SafetyLevel.Any, enough.Token);
        Confirmation zone = await ConfirmAsync(cluster[0], "k/3", 3, SafetyLevel.Zone, Until.Patience);
        Assert.Equal(ConfirmationState.Met, zone.State);
        await cluster.SameAsync(0, 1);
        Assert.False(remote.IsCompleted);
        await enough.CancelAsync();
        Assert.Equal((ConfirmationState.Unmet, 0), ((await remote).State, (await remote).Regions.Count));

        cluster[2].Store.FailApplies(0);
        Confirmation later = await ConfirmAsync(cluster[0], "k/4", 4, SafetyLevel.Any, Until.Patience);
        Assert.Equal(ConfirmationState.Met, later.State);
        await cluster.SameAsync(0, 2, "class = 0");
    }

    [Fact]
    public async Task Slot_Dropped_IsMadeAnewAndReplicasCopy()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(
            [server, server], Maps.Make(1, [0, 1], [0, 1]));
        await cluster[0].Store.PutAsync(Rows.Make(0, 1, "k/1", 1));
        await cluster.SameAsync(0, 1);
        await cluster.WholeAsync(0, 1);
        string before = cluster[1].Lag.SightOf(new NodeId(0))!.Timeline;

        cluster.Wires[0].Cut();
        await cluster[0].Get<PgCaptureSlot>().DropAsync(default);
        await cluster[0].Store.PutAsync(Rows.Make(0, 2, "k/2", 2));
        await cluster[0].Store.PutAsync(Rows.Make(0, 1, "k/1", 3));
        cluster.Wires[0].Heal();

        await cluster.SameAsync(0, 1);
        await Until.TrueAsync(
            () => cluster[1].Lag.SightOf(new NodeId(0))!.Timeline != before, "the new timeline is followed");
        await cluster.WholeAsync(0, 1);
        Confirmation zone = await ConfirmAsync(cluster[0], "k/5", 5, SafetyLevel.Zone, Until.Patience);
        Assert.Equal(ConfirmationState.Met, zone.State);
    }

    [Fact]
    public async Task Restart_OfBothNodes_GoesOnWhereItWas()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(
            [server, server], Maps.Make(1, [0, 1], [0, 1]));
        await cluster[0].Store.PutAsync(Rows.Make(0, 1, "k/1", 1));
        await cluster.SameAsync(0, 1);
        await cluster.WholeAsync(0, 1);
        string before = cluster[1].Lag.SightOf(new NodeId(0))!.Timeline;

        await cluster.StopAsync(1);
        await cluster[0].Store.PutAsync(Rows.Make(0, 2, "k/2", 2));
        await cluster.StopAsync(0);
        await cluster.StartAsync(0);
        await cluster[0].Store.PutAsync(Rows.Make(0, 3, "k/3", 3));
        // The rows come by the stream: nothing is copied anew, and what would be copied is not there.
        await cluster.StartAsync(1);

        await cluster.SameAsync(0, 1);
        Assert.Equal(before, cluster[1].Lag.SightOf(new NodeId(0))!.Timeline);
        Assert.Equal(0, cluster[1].Slots.LeftOf(new NodeId(0)));
        await Until.TrueAsync(
            () => cluster[1].Lag.StalenessOf(new NodeId(0)) < TimeSpan.FromSeconds(30), "how old it may be is known");
        Assert.NotNull(cluster[0].Lag.HeardAt(new NodeId(1)));
    }

    [Fact]
    public async Task Promotion_RowsThatTheNewHomeLacks_ArePutAsideEverywhere()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(
            [server, server, server], Maps.Make(1, [0, 1, 2], [0, 1]));
        await cluster[0].Store.PutAsync(Rows.Make(0, 1, "both", 1));
        await cluster.SameAsync(0, 1);
        await cluster.SameAsync(0, 2);
        await cluster.WholeAsync(0, 1);
        await cluster.WholeAsync(0, 2);
        cluster[1].Store.FailApplies(int.MaxValue); // the successor misses the last write
        await cluster[0].Store.PutAsync(Rows.Make(0, 1, "missed", 2), Rows.Make(0, 1, "both", 3));
        await cluster.SameAsync(0, 2);

        cluster.Publish(Maps.Make(2, [1, 0, 2], [1, 0], term: 2), 0, 1, 2);
        cluster[1].Store.FailApplies(0);
        await cluster[1].Store.PutAsync(Rows.Make(0, 1, "after", 1, term: 2));

        await cluster.SameAsync(1, 0);
        await cluster.SameAsync(1, 2);
        Assert.Equal(["after", "both"], (await cluster[2].Store.AllAsync()).Select(
            r => System.Text.Encoding.UTF8.GetString(r.Key.Span)));
        foreach (int node in new[] { 0, 2 })
            Assert.Equal(2L, await cluster[node].Store.ScalarAsync("SELECT count(*) FROM stranded"));
    }

    [Fact]
    public async Task Keys_OfRows_AreFetchedOrKnownAsErased()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(
            [server, server, server], Maps.Make(1, [0, 1, 2], [0, 1]));
        DataKey live = new(new KeyId(Guid.NewGuid()), new ClassId(0),
            new SubjectDigest("demo", new byte[32]), new byte[32]);
        KeyId erased = new(Guid.NewGuid());
        cluster[0].Keys.Put(live);
        await cluster[0].Keys.MarkErasedAsync([erased], default);

        await cluster[0].Store.PutAsync(
            Rows.Make(0, 1, "live", 1, keyId: live.Id), Rows.Make(0, 2, "erased", 2, keyId: erased));

        await cluster.SameAsync(0, 2);
        DataKeyLookup found = cluster[2].Keys.Find(live.Id);
        Assert.Equal((KeyState.Live, live.Id, live.Class), (found.State, found.Key!.Id, found.Key.Class));
        Assert.Equal(live.Subject, found.Key.Subject);
        Assert.Equal(KeyState.Erased, cluster[2].Keys.Find(erased).State);
    }

    private static async Task<Confirmation> ConfirmAsync(
        TestNode home, string key, long clock, SafetyLevel level, TimeSpan patience)
    {
        using CancellationTokenSource enough = new(patience);
        return await ConfirmAsync(home, key, clock, level, enough.Token);
    }

    private static async Task<Confirmation> ConfirmAsync(
        TestNode home, string key, long clock, SafetyLevel level, CancellationToken cancellationToken)
    {
        uint xid = await home.Store.PutAsync(Rows.Make(0, 1, key, clock));
        return await home.Confirmations.WaitAsync(
            new CommittedWrite(xid, new ClassId(0), new SlotId(1), 1), level, 1, cancellationToken);
    }

    private static async Task WriteAsync(TestNode home, int writer)
    {
        Random random = new(writer);
        for (int i = 1; i <= WritesEach; i++)
        {
            int clock = (((i - 1) * Writers) + writer + 1) * 10;
            await home.Store.PutAsync([.. Enumerable.Range(0, random.Next(1, 4)).Select(n => Rows.Make(
                random.Next(2), random.Next(4096), $"w{writer}/{random.Next(40)}-{n}", clock + n,
                random.Next(3000)))]);
        }
    }

    private static async Task<List<SourceProgress>> WatchProgressAsync(TestNode node, CancellationToken stop)
    {
        List<SourceProgress> seen = [];
        while (!stop.IsCancellationRequested)
            seen.AddRange(await node.Store.ReadProgressAsync(default));
        return seen;
    }
}
