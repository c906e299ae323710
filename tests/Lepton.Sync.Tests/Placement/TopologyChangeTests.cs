using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using Lepton.Testing;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Lepton.Sync.Tests.Placement;

/// <summary>S1: nodes follow the store's topology, and never back.</summary>
[Collection("postgres")]
public sealed class TopologyChangeTests(SyncServer server) : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("lepton-watch-").FullName;
    private readonly List<WatchedNode> _nodes = [];
    private string _database = "";

    public async Task InitializeAsync()
    {
        _database = await server.CreateDatabaseAsync();
        _nodes.Add(new WatchedNode(_database, _folder));
        _nodes.Add(new WatchedNode(_database, _folder, "us-east-b"));
        await Task.WhenAll(_nodes.Select(n => n.StartAsync()));
    }

    public async Task DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.Watch.StopAsync(default);
            node.Dispose();
        }
        Directory.Delete(_folder, recursive: true);
    }

    private static Topology NextOf(Topology topology) => Promotion.Plan(topology, new NodeId(0), "t",
        new Dictionary<NodeId, SourceProgress> { [new(1)] = new(new NodeId(0), "t", new LogPosition(1)) }).Next;

    [Fact]
    public async Task Loop_AnotherNodePromoted_IsSeenWithoutBeingAsked()
    {
        TaskCompletionSource<Topology> changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _nodes[1].Watch.Changed += changed.SetResult;

        Assert.True(await _nodes[0].Store.TryReplaceAsync(NextOf(_nodes[0].Watch.Current), default));

        Assert.Equal(1, (await changed.Task.WaitAsync(Patience)).Epoch);
        Assert.Equal(2, _nodes[1].Watch.Current.Epoch);
        Assert.Equal(new NodeId(1), _nodes[1].Watch.Current.MapOf(new ClassId(0)).Home(new SlotId(0)));
    }

    [Fact]
    public async Task RefreshAsync_SomebodyChangedIt_IsKnownAfterAndKept()
    {
        Topology next = NextOf(_nodes[0].Watch.Current);
        Assert.True(await _nodes[0].Store.TryReplaceAsync(next, default));

        await _nodes[1].Watch.RefreshAsync(default);

        Assert.Equal(2, _nodes[1].Watch.Current.Epoch);
        using WatchedNode restarted = new(_database, _folder, "us-east-b");
        restarted.Store.IsSilent = true;
        await restarted.StartAsync();
        Assert.Equal(TopologyDocument.Write(next), TopologyDocument.Write(restarted.Watch.Current));
        await restarted.Watch.StopAsync(default);
    }

    [Fact]
    public async Task RefreshAsync_StoreIsSilent_KeepsTheTopologyAndItsAgeGrows()
    {
        WatchedNode node = _nodes[0];
        long? confirmed = node.Watch.ConfirmedAt;
        node.Store.IsSilent = true;
        await node.Watch.RefreshAsync(default);
        node.Time.Advance(TimeSpan.FromSeconds(31));

        await node.Watch.RefreshAsync(default);

        Assert.Equal(1, node.Watch.Current.Epoch);
        Assert.Equal(confirmed, node.Watch.ConfirmedAt);
        HealthCheckResult health = await node.HealthAsync();
        Assert.Equal(HealthStatus.Degraded, health.Status);
        Assert.Contains("for 31 s", health.Description, StringComparison.Ordinal);
        node.Observe();
        Assert.Equal(31, node.Metrics["lepton.sync.topology.confirmation.age"]);
    }

    [Fact]
    public async Task ConfirmedAt_SlowAnswer_IsFromBeforeTheQuestion()
    {
        WatchedNode node = _nodes[0];
        await node.Watch.StopAsync(default); // nobody else asks
        TaskCompletionSource answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        node.Store.Gate = answer.Task;
        long before = node.Time.GetTimestamp();
        Task refresh = node.Watch.RefreshAsync(default);
        node.Time.Advance(TimeSpan.FromSeconds(5));
        answer.SetResult();
        await refresh;

        Assert.Equal(before, node.Watch.ConfirmedAt);
    }

    [Fact]
    public async Task RefreshAsync_ManyAtOnce_MakeTwoQuestions()
    {
        WatchedNode node = _nodes[0];
        await node.Watch.StopAsync(default);
        TaskCompletionSource answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        node.Store.Gate = answer.Task;
        int before = node.Store.Reads;
        Task[] all = [.. Enumerable.Range(0, 100).Select(_ => node.Watch.RefreshAsync(default))];
        answer.SetResult();

        await Task.WhenAll(all).WaitAsync(Patience);

        Assert.Equal(2, node.Store.Reads - before);
    }

    [Fact]
    public async Task RefreshAsync_StoreWentBack_IsNotTaken()
    {
        WatchedNode node = _nodes[1];
        Topology first = node.Watch.Current;
        Assert.True(await node.Store.TryReplaceAsync(NextOf(first), default));
        await node.Watch.RefreshAsync(default);
        long? confirmed = node.Watch.ConfirmedAt;
        await ExecuteAsync("DELETE FROM topology");
        node.Time.Advance(TimeSpan.FromSeconds(1));
        await node.Watch.RefreshAsync(default);
        Assert.Contains("no topology", node.Watch.Trouble, StringComparison.Ordinal);

        Assert.True(await node.Store.TryReplaceAsync(first, default));
        await node.Watch.RefreshAsync(default);

        Assert.Equal(2, node.Watch.Current.Epoch);
        Assert.Equal(confirmed, node.Watch.ConfirmedAt);
        HealthCheckResult health = await node.HealthAsync();
        Assert.Equal(HealthStatus.Degraded, health.Status);
        Assert.Contains("older than 2", health.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RefreshAsync_SameEpochOfAnotherForm_IsNotTaken()
    {
        WatchedNode node = _nodes[1];
        Topology known = node.Watch.Current;
        await ExecuteAsync("DELETE FROM topology");
        Assert.True(await node.Store.TryReplaceAsync(Worlds.TwoRegions(epoch: 1), default));

        await node.Watch.RefreshAsync(default);

        Assert.Equal(TopologyDocument.Write(known), TopologyDocument.Write(node.Watch.Current));
        Assert.Contains("same epoch", node.Watch.Trouble, StringComparison.Ordinal);
    }

    [Fact]
    public void Metrics_ANode_CountsItsSlots()
    {
        WatchedNode node = _nodes[0];
        node.Observe();

        SlotMap map = node.Watch.Current.MapOf(node.Watch.Current.FindClass("us-health")!.Id);
        int homes = Worlds.Loads(map, 4, homes: true)[0];
        Assert.Equal(homes, node.Metrics["lepton.sync.slots us-health home"]);
        Assert.Equal(SlotId.Count - homes, node.Metrics["lepton.sync.slots us-health replica"]);
        Assert.Equal(0, node.Metrics["lepton.sync.slots eu-personal home"]);
        Assert.Equal(1, node.Metrics["lepton.sync.topology.epoch"]);
        Assert.Equal(1, node.Metrics["lepton.sync.classes.unplaced"]);
    }

    [Fact]
    public async Task Loop_AListenerThrows_StopsTheNode()
    {
        WatchedNode node = _nodes[1];
        node.Watch.Changed += _ => throw new InvalidOperationException("a bug");

        Assert.True(await _nodes[0].Store.TryReplaceAsync(NextOf(_nodes[0].Watch.Current), default));

        using CancellationTokenSource patience = new(Patience);
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(20));
        while (!node.IsStopping)
            await timer.WaitForNextTickAsync(patience.Token);
    }

    private async Task ExecuteAsync(string text)
    {
        await using NpgsqlConnection connection = new(_database);
        await connection.OpenAsync();
        await using NpgsqlCommand command = new(text, connection);
        await command.ExecuteNonQueryAsync();
    }
}
