using System.Text;
using Lepton.Simulation.Sync.Cluster;
using Lepton.Sync.Homes;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Receiver;
using WriteLevel = Lepton.Sync.V1.WriteLevel;

namespace Lepton.Simulation.Tests.Sync;

/// <summary>A home comes back between the choice of its successor and the store's word. (S3, S4, P3)</summary>
public sealed class PromotionRaceTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>
    /// The home reaches the store all the time, so that it serves; and one replica again, which is not the one that was
    /// chosen. What that one alone has may not be answered as safe.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void PromoteAsync_HomeReachesAReplicaThatHasAnswered_ConfirmsNothingThatItsSuccessorLacks(int seed)
    {
        using SimulatedCluster cluster = new(seed, SimulatedFaults.None);
        cluster.Machine.Run(() => RaceAsync(cluster), Limit);
    }

    /// <summary>What it has of the other slots nobody else may have, and its place in the log does not tell.</summary>
    [Fact]
    public void PromoteAsync_ReplicaStillCopiesASlot_OnlyWhereLossesAreAccepted()
    {
        using SimulatedCluster cluster = new(1, SimulatedFaults.None);
        cluster.Machine.Run(() => CopyingAsync(cluster), Limit);
    }

    private static async Task CopyingAsync(SimulatedCluster cluster)
    {
        cluster.BeginInPeace();
        SimulatedKey key = cluster.Keys.First(k => k.Class == SyncWorld.Open);
        SlotId slot = SyncWorld.SlotOf(key);
        NodeId[] replicas = cluster.Store.Current.MapOf(key.Class).Replicas(slot).ToArray();
        SimulatedSyncNode home = cluster.Nodes[replicas[0].Value], copying = cluster.Nodes[replicas[1].Value];
        copying.Database.SetWhole(new SlotOrigin(key.Class, slot, home.Node.Id, SlotOrigin.NoTerm));
        foreach (SimulatedSyncNode node in cluster.Nodes.Where(n => n != home))
        {
            cluster.Network.Cut(home.Number, node.Number);
            cluster.Network.Cut(node.Number, home.Number);
            node.Start();
        }
        await WaitAsync(cluster, 10);

        foreach (SimulatedSyncNode at in cluster.Nodes.Where(n => n != home))
        {
            SyncParts parts = at.Parts!;
            PromotionAnswer answer = await parts.Process.RunAsync(() => parts.Promoter.PromoteAsync(
                home.Node, acceptLoss: false, default));
            Assert.Equal(
                [copying.Node.Name], Assert.IsType<PromotionAnswer.ReplicaUnreachable>(answer).Nodes);
        }
        SyncParts own = copying.Parts!;
        Assert.IsType<PromotionAnswer.Done>(await own.Process.RunAsync(() => own.Promoter.PromoteAsync(
            home.Node, acceptLoss: true, default)));
        Assert.NotEqual(copying.Node.Id, cluster.Store.Current.MapOf(key.Class).Home(slot));
    }

    private static async Task RaceAsync(SimulatedCluster cluster)
    {
        cluster.BeginInPeace();
        foreach (SimulatedSyncNode node in cluster.Nodes)
            node.Start();
        SimulatedKey key = cluster.Keys.First(k => k.Class == SyncWorld.Open);
        SlotId slot = SyncWorld.SlotOf(key);
        NodeId[] replicas = cluster.Store.Current.MapOf(key.Class).Replicas(slot).ToArray();
        SimulatedSyncNode home = cluster.Nodes[replicas[0].Value];
        // Equal replicas of the home's region come first, then the first of the list: this one is not chosen.
        SimulatedSyncNode other = cluster.Nodes[replicas[^1].Value];
        await WaitAsync(cluster, 30); // until a promise that was forgotten would be over
        Assert.Equal(HomeReason.Ok, (await WriteAsync(home, key)).Reason);

        foreach (SimulatedSyncNode node in cluster.Nodes.Where(n => n != home))
        {
            cluster.Network.Cut(home.Number, node.Number);
            cluster.Network.Cut(node.Number, home.Number);
        }
        await WaitAsync(cluster, 8);
        List<WriteReply> replies = [];
        cluster.Store.Replacing = async () =>
        {
            cluster.Network.Heal(home.Number, other.Number);
            cluster.Network.Heal(other.Number, home.Number);
            for (int i = 0; i < 3; i++)
                replies.Add(await cluster.Machine.Outside(() => WriteAsync(home, key)));
        };
        SyncParts parts = cluster.Nodes[replicas[1].Value].Parts!;
        PromotionAnswer answer = await parts.Process.RunAsync(() => parts.Promoter.PromoteAsync(
            home.Node, acceptLoss: false, default));

        PromotionAnswer.Done done = Assert.IsType<PromotionAnswer.Done>(answer);
        SimulatedSyncNode successor = cluster.Nodes[done.Topology.MapOf(key.Class).Home(slot).Value];
        Assert.NotEqual(other, successor);
        Assert.Equal(3, replies.Count);
        Assert.All(replies, reply => Assert.Equal(HomeReason.Unconfirmed, reply.Reason)); // written, and not safe
        Assert.All(replies, reply => Assert.Empty(reply.Durability.Regions));
        // The replica did get them: it is what it said of them that counts.
        Assert.Contains(cluster.Watch.KeptAt(other.Number, key), row => row.Version == replies[0].Version);
        Assert.DoesNotContain(cluster.Watch.KeptAt(successor.Number, key), row => row.Version >= replies[0].Version);
    }

    private static Task WaitAsync(SimulatedCluster cluster, double seconds) =>
        Task.Delay(TimeSpan.FromSeconds(seconds), cluster.Machine.Time);

    private static Task<WriteReply> WriteAsync(SimulatedSyncNode home, SimulatedKey key)
    {
        SyncParts parts = home.Parts!;
        WriteCommand command = new()
        {
            Address = parts.Address(key.Class, key.Name), Kind = RecordKind.Value,
            Value = Encoding.UTF8.GetBytes("v"), Expected = null, Subject = null, RequestId = Guid.Empty,
        };
        return parts.Process.RunAsync(() => parts.Local.WriteAsync(
            1, command, new LevelWish(WriteLevel.Any, 1), default));
    }
}
