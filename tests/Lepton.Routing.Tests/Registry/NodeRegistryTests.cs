using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.Client;
using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Regions;
using Lepton.Routing.Registry;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Tests.Registry;

public sealed class NodeRegistryTests
{
    private readonly ManualTime _time = new();
    private readonly HealthMonitor _health;
    private readonly NodeRegistry _registry;
    private int _changes;

    public NodeRegistryTests()
    {
        _health = TestHealth.Monitor(_time);
        _registry = new NodeRegistry(Options.Create(new RoutingOptions()), _time, _health);
        _registry.Changed += () => _changes++;
    }

    private NodeReport Report(string node, NodeState state = NodeState.Serving, long started = 1) => new()
    {
        Node = node, Region = "eu-west", Zone = "a", Tier = Tier.Core, Url = "https://localhost:1", State = state,
        StartTime = Timestamp.FromDateTime(DateTime.UnixEpoch.AddSeconds(started)),
        Models = { new ModelReport { Name = "ocr", Version = "1", Ready = true, Slots = 2, QueueMax = 4 } },
    };

    private NodeState StateOf(string node) => _registry.Nodes().Single(n => n.Id == node).State;

    private void Sweep()
    {
        _health.Pauses.Tick();
        _registry.Sweep();
    }

    /// <summary>Time passes as it does for a router that runs: with a sweep every 250 ms.</summary>
    private void Pass(double seconds)
    {
        for (double t = 0; t < seconds - 1e-9; t += 0.25)
        {
            _time.Advance(TimeSpan.FromSeconds(0.25));
            Sweep();
        }
    }

    [Fact]
    public void Sweep_Silence_SuspectAfterThreeOutAfterTen()
    {
        _registry.Take(new NodeSession(), Report("a"));
        Pass(2.75);
        Assert.Equal(NodeState.Serving, StateOf("a"));
        Pass(0.25);
        Assert.Equal(NodeState.Suspect, StateOf("a"));
        Pass(6.75);
        Assert.Equal(NodeState.Suspect, StateOf("a"));
        Pass(0.25);
        Assert.Equal(NodeState.Out, StateOf("a"));
        Pass(600);
        Assert.Empty(_registry.Nodes());
    }

    [Fact]
    public void Take_AfterSilence_ServesAgain()
    {
        NodeSession session = new();
        _registry.Take(session, Report("a"));
        Pass(11);
        _registry.Take(session, Report("a"));
        Assert.Equal(NodeState.Serving, StateOf("a"));
    }

    [Fact]
    public void Close_CurrentStream_IsOutAtOnce_OlderStream_MeansNothing()
    {
        NodeSession old = new(), current = new();
        _registry.Take(old, Report("a"));
        _registry.Take(current, Report("a", started: 2));
        _registry.Close(old);
        Assert.Equal(NodeState.Serving, StateOf("a"));
        _registry.Close(current);
        Assert.Equal(NodeState.Out, StateOf("a"));
    }

    [Fact]
    public void Sweep_RouterWasPaused_GivesOnePeriodBeforeJudging()
    {
        _registry.Take(new NodeSession(), Report("alive"));
        _registry.Take(new NodeSession(), Report("dead"));
        NodeSession alive = new();
        _time.Advance(TimeSpan.FromMinutes(5)); // SIGSTOP … SIGCONT
        Sweep();
        Assert.All(_registry.Nodes(), n => Assert.Equal(NodeState.Serving, n.State));
        _registry.Take(alive, Report("alive"));
        Pass(2);
        Assert.Equal((NodeState.Serving, NodeState.Suspect), (StateOf("alive"), StateOf("dead")));
        Pass(7);
        Assert.Equal(NodeState.Out, StateOf("dead"));
    }

    [Fact]
    public void Take_RestartedProcess_StartsWithNothingUnderWay()
    {
        _registry.Take(new NodeSession(), Report("a"));
        Lane before = _registry.Nodes()[0].Models[0].Lane;
        before.TryReserve(10);
        _registry.Take(new NodeSession(), Report("a"));
        Assert.Same(before, _registry.Nodes()[0].Models[0].Lane);
        _registry.Take(new NodeSession(), Report("a", started: 2));
        Assert.Equal(0, _registry.Nodes()[0].Outstanding);
        before.Release(Outcome.Failed); // the old request's end harms nobody
        Assert.Equal(0, _registry.Nodes()[0].Outstanding);
    }

    [Fact]
    public void Changed_SameOffer_IsQuiet()
    {
        NodeSession session = new();
        _registry.Take(session, Report("a"));
        int after = _changes;
        _registry.Take(session, Report("a"));
        Assert.Equal(after, _changes);
        _registry.Take(session, Report("a", NodeState.Draining));
        Assert.Equal(after + 1, _changes);
    }

    [Fact]
    public void Take_MoreThanTheMaximum_IsRefused()
    {
        NodeRegistry small = new(Options.Create(new RoutingOptions { NodesMax = 1 }), _time, _health);
        Assert.True(small.Take(new NodeSession(), Report("a")));
        Assert.False(small.Take(new NodeSession(), Report("b")));
    }

    [Fact]
    public void Find_EveryState_IsCandidateOrExcludedWithItsReason()
    {
        foreach ((string id, NodeState state) in new[]
        {
            ("draining", NodeState.Draining), ("serving", NodeState.Serving), ("starting", NodeState.Starting),
        })
            _registry.Take(new NodeSession(), Report(id, state));
        NodeSession gone = new();
        _registry.Take(gone, Report("out"));
        _registry.Close(gone);
        NodeReport without = Report("without");
        without.Models[0].Ready = false;
        _registry.Take(new NodeSession(), without);

        CandidateView view = Find("ocr", out _);
        Assert.Equal(["serving"], view.All.Candidates.Select(c => c.Node));
        Assert.Equal(
            ["draining:Draining", "out:Out", "starting:Starting", "without:ModelNotReady", "us-east:SummaryStale"],
            view.Excluded.Select(e => $"{(e.Node.Length > 0 ? e.Node : e.Region)}:{e.Reason}"));
        Assert.Same(view, Find("ocr", out _, again: true)); // computed once a snapshot
        Assert.True(Find("unheard", out _).ModelMayExist); // us-east may have it
    }

    [Fact]
    public void Find_VersionThatNobodyHas_DoesNotExist()
    {
        _registry.Take(new NodeSession(), Report("serving"));
        // Own nodes only: us-east, which was not heard of here, may have anything.
        Assert.True(Find("ocr", out _, version: "1", own: true).ModelMayExist);
        Assert.False(Find("ocr", out _, version: "9", own: true).ModelMayExist);
        Assert.False(Find("ocr", out _, version: "../..", own: true).ModelMayExist);
    }

    [Fact]
    public void Find_Suspects_AreTheLastResort()
    {
        _registry.Take(new NodeSession(), Report("silent"));
        Pass(4);
        Assert.Equal(["silent"], Find("ocr", out _).All.Candidates.Select(c => c.Node));
        _registry.Take(new NodeSession(), Report("well"));
        CandidateView view = Find("ocr", out _);
        Assert.Equal(["well"], view.All.Candidates.Select(c => c.Node));
        Assert.Equal(["silent"], view.LastResort!.All.Candidates.Select(c => c.Node));

        PickContext context = new(new Chance(1), 0) { Attempted = new[] { view.All.Candidates[0].Lane } };
        Assert.Equal("silent", Balancer.Pick(view, new GuardedStrategy(), ref context, book: true, out _)!.Node);
    }

    private RegistrySnapshot? _kept;

    private CandidateView Find(
        string model, out RegistrySnapshot snapshot, bool again = false, string version = "", bool own = false)
    {
        ResidencyPolicy policy = ResidencyPolicy.Parse(
            System.Text.Encoding.UTF8.GetBytes(TestRouter.Policy), ["eu-west", "us-east"]);
        Topology topology = new("eu-west",
            [new() { Name = "eu-west", Url = new Uri("https://a") },
                new() { Name = "us-east", Url = new Uri("https://b") }], policy);
        RegionTable regions = new(topology, Options.Create(new RoutingOptions()), _time, _health);
        if (!again || _kept is null)
            _kept = new RegistrySnapshot(1, topology, _registry.Nodes(), regions.Regions(), new());
        snapshot = _kept;
        RegionSet everywhere = RegionSet.None.With(policy.IndexOf("eu-west")).With(policy.IndexOf("us-east"));
        return snapshot.Find(new ViewKey(model, version, everywhere, own));
    }
}
