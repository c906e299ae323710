using System.Text;
using System.Text.Json.Nodes;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;
using Lepton.Sync.Client;
using Lepton.Testing;

namespace Lepton.Sync.Tests.Placement;

/// <summary>C3, S6: the residency policy in force over the topology, at the start and on change.</summary>
[Collection("postgres")]
public sealed class TopologyPolicyTests(SyncServer server) : IAsyncLifetime
{
    private const string OneClass = """{"version":1,"classes":{"global":{"dataClass":"public"}}}""";
    private const string TwoClasses =
        """{"version":1,"classes":{"global":{"dataClass":"public"},"late":{"dataClass":"atlantic-finance"}}}""";

    private static readonly string[] Regions = ["us-east", "eu-west"];

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

    [Fact]
    public async Task Refresh_TopologyWithAClassThatThePolicyForbids_IsNotTakenUntilItAllows()
    {
        var policies = Policies();
        var careful = Make("eu-west-a", OneClass, policies);
        await careful.StartAsync();
        Take(policies, 5, p => p["safeguards"]!.AsArray().RemoveAt(0)); // no clauses any more: not in us-east
        await Make("us-east-a", TwoClasses, null).StartAsync(); // goes by its file, and adds the class

        await careful.Watch.RefreshAsync(default);

        Assert.Equal(["global"], careful.Watch.Current.Classes.Select(c => c.Name));
        Assert.Contains("Residency policy 5 does not allow the topology of epoch 2: late in us-east",
            careful.Watch.Trouble, StringComparison.Ordinal);

        Take(policies, 6, _ => { });
        await careful.Watch.RefreshAsync(default);

        Assert.Equal(["global", "late"], careful.Watch.Current.Classes.Select(c => c.Name));
        Assert.Null(careful.Watch.Trouble);
    }

    [Fact]
    public async Task StartAsync_FileNamesAClassThatThePolicyForbids_IsNotProposed()
    {
        await Make("eu-west-a", OneClass, null).StartAsync();
        var policies = Policies();
        Take(policies, 5, p => p["safeguards"]!.AsArray().RemoveAt(0));
        var node = Make("us-east-a", TwoClasses, policies);

        await node.StartAsync();

        Assert.Equal(["global"], node.Watch.Current.Classes.Select(c => c.Name));
        Assert.Contains("late in us-east", Assert.Single(node.Watch.Plan!.Unplaced), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MayHold_PolicyNarrowsUnderAClass_ClosesItThereAndNowhereElse()
    {
        var policies = Policies();
        var node = Make("us-east-a", TwoClasses, policies);
        await node.StartAsync();
        var late = node.Watch.Current.FindClass("late")!;
        Assert.True(node.Watch.MayHold(late, "us-east"));

        Take(policies, 5, p => p["safeguards"]!.AsArray().RemoveAt(0));

        Assert.False(node.Watch.MayHold(late, "us-east"));
        Assert.True(node.Watch.MayHold(late, "eu-west"));
        Assert.True(late.Allows("us-east")); // the topology still says so: only the policy forbids it
    }

    private static ControlRecord<ResidencyPolicy> Policies()
    {
        var shipped = ResidencyPolicy.Load(MetricList.RepositoryFile("deploy/residency.json"), Regions);
        return new ControlRecord<ResidencyPolicy>(
            ControlData.PolicyKey, shipped, p => p.Order, (now, json) => now.Next(json, Regions));
    }

    private static void Take(ControlRecord<ResidencyPolicy> policies, long version, Action<JsonObject> change)
    {
        var next = JsonNode.Parse(
            PolicyBundle.Load(MetricList.RepositoryFile("deploy/residency.json")).Span)!.AsObject();
        next["version"] = version;
        change(next);
        policies.Take(new SignedContent(policies.Key, version, DateTimeOffset.UnixEpoch,
            Encoding.UTF8.GetBytes(next.ToJsonString()), default));
    }

    private WatchedNode Make(string self, string classes, ControlRecord<ResidencyPolicy>? policies)
    {
        _nodes.Add(new WatchedNode(_database, _folder, self, null, classes, null, policies));
        return _nodes[^1];
    }
}
