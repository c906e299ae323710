using Grpc.Core;
using Grpc.Net.Client;
using Lepton.ServiceDefaults;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Sealing;
using Lepton.Sync.Tests.Replication.World;

namespace Lepton.Sync.Tests.Replication;

/// <summary>S6: what a region may not hold is neither given to it nor taken by it, whoever asks or sends.</summary>
[Collection("postgres")]
public sealed class ResidencyTests(SyncServer server)
{
    [Fact]
    public async Task Receiver_LyingSource_HoldsNothingThatItMayNot()
    {
        bool isLying = true;
        int lies = 0;
        StoredRecord forbidden = Rows.Make(Maps.EuOnly, 9, "eu/secret", 77);
        StoredRecord future = Rows.Make(Maps.Shared, 9, "shared/forged", 78, term: 9);
        await using TestCluster cluster = await TestCluster.StartAsync([server, server, server],
            Maps.Make(1, [0, 1, 2], [0, 1]), 0, own => new ChangedAnswers(own, (node, message) =>
            {
                if (message.Frame is not { } frame || node != "us-a" || !isLying)
                    return;
                ChangedAnswers.Rewrite(frame, row => row, lies++ % 2 == 0 ? forbidden : future);
            }));
        await cluster.WholeAsync(0, 2);

        await cluster[0].Store.PutAsync(Rows.Make(Maps.Shared, 1, "k/1", 1));
        await Until.TrueAsync(() => lies >= 4, "the source lies");
        Assert.Empty(await cluster[2].Store.AllAsync());
        isLying = false;

        await cluster.SameAsync(0, 2, "class = 0");
        Assert.Empty(await cluster[2].Store.AllAsync("class = 1 OR term > 1"));
    }

    [Fact]
    public async Task Receiver_FormerHome_IsPassedOverAndItsWriteNotConfirmed()
    {
        await using TestCluster cluster = await TestCluster.StartAsync([server, server, server],
            Maps.Make(1, [0, 1, 2], [0, 1]));
        await cluster.WholeAsync(0, 1);
        await cluster.WholeAsync(0, 2);

        // Nodes 1 and 2 know that 1 is home of class 0 now; node 0 does not, and cannot be told.
        cluster[0].Maps.Store(() => Maps.Make(1, [0, 1, 2], [0, 1]));
        var promoted = new Lepton.Sync.Placement.Topology(2, cluster[1].Maps.Current.Classes, Maps.Nodes,
            [Maps.Map(_ => [1, 0, 2], _ => 2), Maps.Map(_ => [0, 1], _ => 1)]);
        cluster[1].Maps.Set(promoted);
        cluster[2].Maps.Set(promoted);
        uint xid = await cluster[0].Store.PutAsync(
            Rows.Make(Maps.Shared, 1, "late", 5), Rows.Make(Maps.EuOnly, 1, "eu", 5));

        await cluster.SameAsync(0, 1, "class = 1"); // of which node 0 is still home
        Assert.Empty(await cluster[1].Store.AllAsync("class = 0"));
        using CancellationTokenSource enough = new();
        Task<Lepton.Sync.Replication.Source.Confirmation> wait = cluster[0].Confirmations.WaitAsync(
            new(xid, new ClassId(0), new SlotId(1), 1), Lepton.Sync.Replication.Source.SafetyLevel.Zone, 1,
            enough.Token);
        // Node 1 acknowledges by the newer map again and again; none of it may count.
        LogPosition seen = cluster[1].Lag.SightOf(new NodeId(0))!.Applied;
        await Until.TrueAsync(
            () => cluster[1].Lag.SightOf(new NodeId(0))!.Applied.Value > seen.Value + 1000
                || wait.IsCompleted, "node 1 goes on");
        Assert.False(wait.IsCompleted);
        cluster[0].Maps.Set(promoted);

        Assert.Equal(Lepton.Sync.Replication.Source.ConfirmationState.HomeLost, (await wait).State);
        await cluster.SameAsync(1, 0, "class = 0");
        Assert.Equal(1L, await cluster[0].Store.ScalarAsync("SELECT count(*) FROM stranded"));
    }

    [Fact]
    public async Task Source_CallersOfOtherRegionsAndServices_AreRefused()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(
            [server], Maps.Make(1, [0, 1, 2], [0, 1]));
        string url = $"https://127.0.0.1:{cluster[0].Port}";
        using GrpcChannel fromUs = cluster.Installation.Channel(url, cluster.Installation.Service("us", "sync"));
        using GrpcChannel router = cluster.Installation.Channel(url, cluster.Installation.Service("eu", "routing"));
        V1.PeerService.PeerServiceClient us = new(fromUs);
        DataKey secret = new(new KeyId(Guid.NewGuid()), new ClassId(Maps.EuOnly), null, new byte[32]);
        DataKey shared = new(new KeyId(Guid.NewGuid()), new ClassId(Maps.Shared), null, new byte[32]);
        cluster[0].Keys.Put(secret);
        cluster[0].Keys.Put(shared);
        await cluster[0].Store.PutAsync(Rows.Make(Maps.EuOnly, 1, "eu/secret", 1));

        await AssertRefusedAsync(StatusCode.PermissionDenied, "CALLER_NOT_ALLOWED", () => FirstAsync(us, "eu-b"));
        await AssertRefusedAsync(StatusCode.NotFound, "NODE_UNKNOWN", () => FirstAsync(us, "moon-a"));
        await AssertRefusedAsync(StatusCode.PermissionDenied, "CALLER_NOT_ALLOWED",
            () => FirstAsync(new V1.PeerService.PeerServiceClient(router), "eu-b"));
        await AssertRefusedAsync(StatusCode.PermissionDenied, "RESIDENCY_REFUSED",
            () => CopyAsync(us, "us-a", Maps.EuOnly));
        await AssertRefusedAsync(StatusCode.PermissionDenied, "CALLER_NOT_ALLOWED",
            () => CopyAsync(us, "eu-b", Maps.EuOnly));
        await AssertRefusedAsync(StatusCode.InvalidArgument, "FIELD_INVALID", () => CopyAsync(us, "us-a", 0, 4096));
        await AssertRefusedAsync(StatusCode.OutOfRange, "POSITION_LOST", () => FirstAsync(us, "us-a", 5, "other"));
        V1.GetDataKeysResponse keys = await us.GetDataKeysAsync(new V1.GetDataKeysRequest
        {
            KeyIds = { RowCodec.ToBytes(secret.Id.Value), RowCodec.ToBytes(shared.Id.Value) },
        });
        Assert.Equal([V1.DataKeyState.Unspecified, V1.DataKeyState.Live], keys.Keys.Select(k => k.State));
        Assert.Empty(keys.Keys[0].Key);
        Assert.Empty(await CopyAsync(us, "us-a", Maps.Shared));
    }

    [Fact]
    public async Task Source_SecondStreamOfANode_EndsTheFirst()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(
            [server], Maps.Make(1, [0, 1, 2], [0, 1]));
        using GrpcChannel channel = cluster.Installation.Channel(
            $"https://127.0.0.1:{cluster[0].Port}", cluster.Installation.Service("us", "sync"));
        V1.PeerService.PeerServiceClient us = new(channel);
        await Until.TrueAsync(() => cluster[0].Get<Sync.Replication.Spooling.Spool>().IsReady, "capture has begun");
        using AsyncDuplexStreamingCall<V1.ReplicateRequest, V1.ReplicateResponse> first = us.Replicate();
        await first.RequestStream.WriteAsync(new() { Start = new() { Node = "us-a" } });
        Assert.True(await first.ResponseStream.MoveNext(default));

        Assert.NotEmpty((await FirstAsync(us, "us-a")).Begin.Timeline);

        RpcException ended = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await first.ResponseStream.MoveNext(default))
            {
                // What was on its way.
            }
        });
        Assert.Equal(StatusCode.Aborted, ended.StatusCode);
    }

    private static async Task<V1.ReplicateResponse> FirstAsync(
        V1.PeerService.PeerServiceClient client, string node, ulong position = 0, string timeline = "")
    {
        // Until its database's log is read, a source answers UNAVAILABLE.
        V1.ReplicateResponse? first = null;
        await Until.TrueAsync(async () =>
        {
            using AsyncDuplexStreamingCall<V1.ReplicateRequest, V1.ReplicateResponse> call = client.Replicate();
            await call.RequestStream.WriteAsync(
                new() { Start = new() { Node = node, Position = position, Timeline = timeline } });
            try
            {
                Assert.True(await call.ResponseStream.MoveNext(default));
                first = call.ResponseStream.Current;
                return true;
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable)
            {
                return false;
            }
        }, "the source is ready");
        return first!;
    }

    private static async Task<List<StoredRecord>> CopyAsync(
        V1.PeerService.PeerServiceClient client, string node, int recordClass, int slot = 1)
    {
        using AsyncServerStreamingCall<V1.CopySlotsResponse> call = client.CopySlots(
            new() { Node = node, ClassId = recordClass, Slots = { slot }, Epoch = 1 });
        List<StoredRecord> rows = [];
        await foreach (V1.CopySlotsResponse page in call.ResponseStream.ReadAllAsync())
            rows.AddRange(RowCodec.Decode(page.Batch.Memory)!);
        return rows;
    }

    private static async Task AssertRefusedAsync<T>(StatusCode code, string reason, Func<Task<T>> call)
    {
        RpcException refused = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal((code, reason), (refused.StatusCode, RpcErrors.ReasonOf(refused)));
    }
}
