using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Lepton.Sync.Tests.Placement;

/// <summary>S1: every node starts by agreeing on the topology, and goes on by the newest it knew. P3, S6.</summary>
[Collection("postgres")]
public sealed class TopologyWatchTests(SyncServer server) : IAsyncLifetime
{
    private const string TwoClasses =
        """{"version":1,"classes":{"global":{"dataClass":"public"},"late":{"dataClass":"atlantic-finance"}}}""";
    private const string OneClass = """{"version":1,"classes":{"global":{"dataClass":"public"}}}""";

    private readonly string _folder = Directory.CreateTempSubdirectory("lepton-watch-").FullName;
    private readonly List<WatchedNode> _nodes = [];
    private string _database = "";

    public async Task InitializeAsync() => _database = await server.CreateDatabaseAsync();

    public async Task DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.Watch.StopAsync(default);
            node.Dispose();
        }
        Directory.Delete(_folder, recursive: true);
    }

    private WatchedNode Make(
        string self = "us-east-a", string? classes = null, string[]? nodes = null, string? policy = null)
    {
        _nodes.Add(new WatchedNode(_database, _folder, self, nodes, classes, policy));
        return _nodes[^1];
    }

    [Fact]
    public async Task StartAsync_EmptyStore_AllNodesAgreeOnOneFirstTopology()
    {
        WatchedNode[] nodes = [.. WatchedNode.Everywhere.Select(n => Make(n))];

        await Task.WhenAll(nodes.Select(n => n.StartAsync()));

        byte[] one = TopologyDocument.Write(nodes[0].Watch.Current);
        Assert.All(nodes, n => Assert.Equal(one, TopologyDocument.Write(n.Watch.Current)));
        Assert.Equal(WatchedNode.Everywhere, nodes.Select(n => n.Watch.Self.Name));
        Assert.Equal(1, nodes[0].Watch.Current.Epoch);
        Assert.All(nodes, n => Assert.NotNull(n.Watch.ConfirmedAt));
        Assert.Equal(1, nodes.Sum(n => n.Metrics.GetValueOrDefault("lepton.sync.topology.proposals won")));
    }

    // The topology has two regions: a class that may be in ap-southeast only has no node, and is left out.
    [Fact]
    public async Task StartAsync_ShippedClassesInTwoRegions_HasThoseThatHaveNodes()
    {
        WatchedNode node = Make();

        await node.StartAsync();

        Assert.Equal(["global", "public", "eu-personal", "us-health", "atlantic-finance"],
            node.Watch.Current.Classes.Select(c => c.Name));
        Assert.Contains("apac-personal", Assert.Single(node.Watch.Plan!.Unplaced), StringComparison.Ordinal);
        Assert.Equal("us-east", node.Watch.Current.FindClass("global")?.HomeRegion);
        Assert.Equal(HealthStatus.Healthy, (await node.HealthAsync()).Status);
    }

    [Fact]
    public async Task StartAsync_ClassIsNewInTheFile_IsAddedAndTheOthersKeepTheirNumbers()
    {
        WatchedNode first = Make(classes: OneClass);
        await first.StartAsync();
        SlotMap before = first.Watch.Current.MapOf(new ClassId(0));

        WatchedNode later = Make("us-east-b", TwoClasses);
        await later.StartAsync();
        WatchedNode latest = Make("eu-west-a", """{"version":3,"classes":{"late":{"dataClass":"public"}}}""");
        await latest.StartAsync();

        Assert.Equal(2, latest.Watch.Current.Epoch);
        Assert.Equal(["global", "late"], latest.Watch.Current.Classes.Select(c => c.Name));
        Assert.Equal("atlantic-finance", latest.Watch.Current.Classes[1].DataClass);
        Assert.True(Worlds.AreSame(before, latest.Watch.Current.MapOf(new ClassId(0))));
        Assert.Equal(2, latest.Watch.Current.MapOf(new ClassId(1)).Term(new SlotId(0)));
        Assert.Equal(["late"], latest.Watch.Plan!.Different);
    }

    [Fact]
    public async Task StartAsync_SelfIsNotInIt_SaysSo()
    {
        await Make().StartAsync();

        var fault = await Assert.ThrowsAsync<InvalidOperationException>(() => Make("ap-southeast-a").StartAsync());

        Assert.Contains("ap-southeast-a", fault.Message, StringComparison.Ordinal);
        Assert.Contains("us-east-a, us-east-b", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StartAsync_NoStoreAndNoFile_EndsWithTheReason()
    {
        WatchedNode node = Make();
        node.Store.IsSilent = true;
        Assert.Equal(HealthStatus.Unhealthy, (await node.HealthAsync()).Status);

        var fault = await Assert.ThrowsAsync<InvalidOperationException>(node.StartAsync);

        Assert.Contains("Sync:Topology:StartTimeMax", fault.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => node.Watch.Current);
    }

    [Fact]
    public async Task StartAsync_NoStoreButAFile_StartsFromItAndIsDegraded()
    {
        WatchedNode before = Make();
        await before.StartAsync();
        WatchedNode node = Make();
        node.Store.IsSilent = true;

        await node.StartAsync();

        Assert.Equal(
            TopologyDocument.Write(before.Watch.Current), TopologyDocument.Write(node.Watch.Current));
        Assert.Null(node.Watch.ConfirmedAt);
        HealthCheckResult health = await node.HealthAsync();
        Assert.Equal(HealthStatus.Degraded, health.Status);
        Assert.Contains("since the start", health.Description, StringComparison.Ordinal);

        node.Store.IsSilent = false;
        await node.Watch.RefreshAsync(default);
        Assert.Equal(HealthStatus.Healthy, (await node.HealthAsync()).Status);
    }

    [Fact]
    public async Task StartAsync_ForgedFileAndNoStore_IsNotTaken()
    {
        WatchedNode before = Make();
        await before.StartAsync();
        byte[] bytes = File.ReadAllBytes(before.KeptFile);
        bytes[^1] ^= 1;
        File.WriteAllBytes(before.KeptFile, bytes);
        WatchedNode node = Make();
        node.Store.IsSilent = true;

        await Assert.ThrowsAsync<InvalidOperationException>(node.StartAsync);

        Assert.Equal(1, node.Metrics["lepton.sync.topology.file.failures verify"]);
    }

    [Fact]
    public async Task StartAsync_ForgedFileAndAStore_IsReplaced()
    {
        WatchedNode before = Make();
        await before.StartAsync();
        byte[] good = File.ReadAllBytes(before.KeptFile);
        File.WriteAllBytes(before.KeptFile, new byte[100]);

        await Make().StartAsync();

        Assert.Equal(good, File.ReadAllBytes(before.KeptFile));
    }

    [Fact]
    public async Task StartAsync_WrongClassesFile_NamesTheFieldThoughTheStoreHasATopology()
    {
        await Make().StartAsync();

        var fault = await Assert.ThrowsAsync<RecordClassesException>(() =>
            Make("us-east-b", """{"version":1,"classes":{"c":{"dataClass":"none"}}}""").StartAsync());

        Assert.Equal("classes.c.dataClass", fault.Field);
    }

    [Fact]
    public async Task StartAsync_PolicyNoLongerAllowsARegion_IsDegradedAndSaysWhich()
    {
        await Make(classes: TwoClasses).StartAsync();
        WatchedNode node = Make("us-east-b", TwoClasses, policy: """
            {"version":4,"dataClasses":{"public":{"regions":["*"]},"atlantic-finance":{"regions":["us-east"]}},
             "tenants":{},"models":{}}
            """);

        await node.StartAsync();

        HealthCheckResult health = await node.HealthAsync();
        Assert.Equal(HealthStatus.Degraded, health.Status);
        Assert.Contains("late (eu-west)", health.Description, StringComparison.Ordinal);
    }
}
