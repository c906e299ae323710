using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Registry;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;

namespace Lepton.Routing.Tests.Health;

/// <summary>SIGSTOP and SIGCONT: of this router, which then must not evict the world, and of a node.</summary>
public sealed class PauseTests
{
    private static readonly string[] Names = ["a", "b", "c"];
    private readonly HealthWorld _world = new();
    private readonly Dictionary<string, NodeSession> _streams;

    public PauseTests()
    {
        _streams = Names.ToDictionary(n => n, n => _world.AddNode(n));
        _world.AddRegion("us-east", "ocr");
        _world.Pass(12);
        _world.Changes.Clear();
    }

    private void EverythingLooksDead()
    {
        // What is waiting for a process that runs again, before any timer of its own: deadlines that passed,
        // connections and streams that the others gave up.
        foreach (string name in Names)
        {
            _world.End(name, Outcome.TimedOut, 20);
            _world.End(name, Outcome.Unreachable, 20);
            _world.Nodes.Close(_streams[name]);
        }
        Lane far = _world.Find("ocr", "us-east").All.Candidates[0].Lane;
        for (int i = 0; i < 20; i++)
        {
            far.TryReserve(int.MaxValue);
            far.Release(Outcome.Unreachable);
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(60)]
    [InlineData(3600)]
    public void Pause_OfThisRouter_EvictsNobody(double seconds)
    {
        _world.Time.Advance(TimeSpan.FromSeconds(seconds)); // no sweep: we did not run
        EverythingLooksDead();
        Assert.Equal(["a", "b", "c", "us-east"], HealthWorld.NamesOf(_world.Find()));
        _world.Tick();
        Assert.Equal(["a", "b", "c", "us-east"], HealthWorld.NamesOf(_world.Find()));
        EverythingLooksDead(); // the rest of them, behind the first tick
        Assert.Equal(["a", "b", "c", "us-east"], HealthWorld.NamesOf(_world.Find()));
        Assert.Empty(_world.Changes);
        Assert.All(_world.Find().All.Candidates, c => Assert.Equal(0, c.Lane.Failed));
        _world.Pass(30); // they report again
        Assert.Equal(["a", "b", "c", "us-east"], HealthWorld.NamesOf(_world.Find()));
    }

    [Fact]
    public void Pause_WhoDiedMeanwhile_IsFoundOutInSeconds()
    {
        _world.Silence("a");
        _world.Silence("us-east");
        _world.Time.Advance(TimeSpan.FromMinutes(5));
        EverythingLooksDead();
        _world.Tick();
        Assert.Equal(4, HealthWorld.NamesOf(_world.Find()).Count());
        _world.Pass(3);
        Assert.Equal(NodeState.Suspect, _world.Nodes.Nodes()[0].State);
        _world.Pass(7);
        Assert.Equal(NodeState.Out, _world.Nodes.Nodes()[0].State);
        Assert.Equal(["b", "c"], HealthWorld.NamesOf(_world.Find()));
        Assert.False(_world.Regions.Regions().Single(r => r.Name == "us-east").Live);
    }

    [Fact]
    public void NoPause_TheSameSigns_EvictThem()
    {
        _world.Time.Advance(TimeSpan.FromSeconds(0.25));
        EverythingLooksDead();
        Assert.All(_world.Nodes.Nodes(), n => Assert.Equal(NodeState.Out, n.State));
        Assert.Contains("routing-us-east Ejected", _world.Changes);
        Assert.Equal(3, _world.Changes.Count(c => c is "a Ejected" or "b Ejected" or "c Ejected"));
    }

    [Fact]
    public void Pause_Over_FailuresCountAgain()
    {
        _world.Time.Advance(TimeSpan.FromMinutes(1));
        _world.Tick();
        _world.Pass(3);
        _world.End("a", Outcome.Unreachable, 5);
        Assert.Contains("a Ejected", _world.Changes);
    }

    [Fact]
    public void Pause_EjectionsAndPenalties_AreNeitherProlongedNorForgotten()
    {
        _world.End("a", Outcome.Unreachable, 5);
        double before = _world.LaneOf("a").Slowness;
        _world.Time.Advance(TimeSpan.FromSeconds(5));
        _world.Tick();
        Assert.Equal(Exclusion.Ejected, HealthWorld.ExcludedOf(_world.Find())["a"]); // 10 s by a clock that went on
        Assert.InRange(_world.LaneOf("a").Slowness, 1 + ((before - 1) * 0.8), before); // as for one second, not five
        _world.Pass(5);
        Assert.Contains("a Returned", _world.Changes);
    }

    [Fact]
    public void PausedNode_RequestsTimeOut_LeavesBeforeItsSilenceSaysSo()
    {
        _world.Silence("a"); // SIGSTOP: its stream stands, it says nothing, requests hang
        _world.Pass(1.5);
        _world.End("a", Outcome.TimedOut, 5);
        Assert.Equal(NodeState.Serving, _world.Nodes.Nodes()[0].State);
        Assert.Equal(["b", "c", "us-east"], HealthWorld.NamesOf(_world.Find()));
    }

    [Fact]
    public void PausedNode_NoRequests_IsSuspectAfterThreeOutAfterTenSeconds()
    {
        _world.Silence("a");
        _world.Pass(3);
        Assert.Equal(Exclusion.Suspect, HealthWorld.ExcludedOf(_world.Find())["a"]);
        _world.Pass(7);
        Assert.Equal(Exclusion.Out, HealthWorld.ExcludedOf(_world.Find())["a"]);
    }
}
