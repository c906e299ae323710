using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Tests.World;

namespace Lepton.Routing.Tests.Health;

public sealed class EjectionTests
{
    private readonly HealthWorld _world = new();

    public EjectionTests()
    {
        foreach (string node in (string[])["a", "b", "c", "d"])
            _world.AddNode(node, models: ["ocr", "language"]);
    }

    private PlaceState StateOf(string node) => _world.Nodes.Nodes().Single(n => n.Id == node).Health;

    [Fact]
    public void Failed_ConnectionsInARow_EjectAtOnceFromAllModels()
    {
        _world.End("a", Outcome.Unreachable, 5);
        foreach (string model in (string[])["ocr", "language"])
        {
            CandidateView view = _world.Find(model);
            Assert.Equal(["b", "c", "d"], HealthWorld.NamesOf(view));
            Assert.Equal(Exclusion.Ejected, HealthWorld.ExcludedOf(view)["a"]);
            Assert.Equal(["a"], HealthWorld.NamesOf(view.LastResort));
        }
        Assert.Contains("a Ejected", _world.Changes); // raised by the request itself, not by a timer
        Assert.Equal(EjectionCause.ConsecutiveFailures, StateOf("a").Ejection!.Cause);
    }

    [Fact]
    public void Failed_OverSeveralModels_EjectsTheNode_OneModelOnlyItsCircuit()
    {
        _world.End("a", Outcome.Failed, 9);
        Assert.Null(StateOf("a").Ejection);
        _world.End("b", Outcome.Failed, 3);
        _world.End("b", Outcome.Failed, 2, "language");
        Assert.NotNull(StateOf("b").Ejection);
    }

    [Fact]
    public void Failed_AnswersBetween_AreNoRun()
    {
        for (int i = 0; i < 10; i++)
        {
            _world.End("a", Outcome.Unreachable, 4);
            _world.End("a", Outcome.Good, model: "language");
        }
        Assert.Null(StateOf("a").Ejection);
    }

    [Fact]
    public void Sweep_RepeatedEjections_GrowUpToTheirBoundAndAreForgiven()
    {
        List<double> lengths = [];
        for (int i = 0; i < 8; i++)
        {
            _world.End("a", Outcome.Unreachable, 5);
            lengths.Add(StateOf("a").Left.TotalSeconds);
            _world.End("a", Outcome.Unreachable, 50); // ends of requests that were under way
            while (StateOf("a").Ejection is not null)
                _world.Pass(0.25);
        }
        double[] bounds = [10, 20, 40, 80, 160, 300, 300, 300];
        for (int i = 0; i < bounds.Length; i++)
            Assert.InRange(lengths[i], bounds[i] * 0.8, bounds[i]);
        Assert.Equal(8, StateOf("a").Ejections);
        _world.Pass(301);
        Assert.Equal(7, StateOf("a").Ejections);
        _world.Pass(3000);
        Assert.Equal(0, StateOf("a").Ejections);
    }

    [Fact]
    public void Look_FailsThirtyPercentAmongSixPeers_IsEjectedBySuccessRate()
    {
        _world.AddNode("e", models: ["ocr", "language"]);
        _world.AddNode("f", models: ["ocr", "language"]);
        for (int second = 0; second < 10; second++)
        {
            foreach (string node in (string[])["a", "b", "c", "d", "e", "f"])
                for (int i = 0; i < 10; i++)
                    _world.End(node, node == "a" && i % 3 == 0 ? Outcome.Failed : Outcome.Good);
            _world.Pass(1);
        }
        Assert.Equal(EjectionCause.SuccessRate, StateOf("a").Ejection!.Cause);
        Assert.Matches("^ocr: 6[0-9.]+ % of [0-9]+ requests well, [0-9.]+ % its peers' mean$",
            StateOf("a").Ejection!.Why);
        Assert.All((string[])["b", "c", "d", "e", "f"], n => Assert.Null(StateOf(n).Ejection));
    }

    [Fact]
    public void Look_OneOfTwoModelsFails_OpensItsCircuitAndLeavesTheNode()
    {
        for (int second = 0; second < 10; second++)
        {
            foreach (string node in (string[])["a", "b", "c", "d"])
                for (int i = 0; i < 10; i++)
                {
                    _world.End(node, node == "a" && i % 4 > 0 ? Outcome.Failed : Outcome.Good);
                    _world.End(node, Outcome.Good, model: "language");
                }
            _world.Pass(1);
        }
        Assert.Null(StateOf("a").Ejection);
        Assert.Contains("requests failed", _world.LaneOf("a").Circuit!.Why, StringComparison.Ordinal);
        Assert.Contains("a", HealthWorld.NamesOf(_world.Find("language")));
    }

    [Fact]
    public void Look_TooFewRequests_JudgesNobody()
    {
        for (int i = 0; i < 19; i++)
            _world.End("a", i % 3 == 0 ? Outcome.Good : Outcome.Failed);
        _world.Pass(5);
        Assert.Null(StateOf("a").Ejection);
        Assert.Equal(CircuitState.Closed, _world.LaneOf("a").CircuitState);
    }

    [Fact]
    public void Take_RestartedWhileEjected_IsTriedAgain()
    {
        _world.End("a", Outcome.Unreachable, 5);
        V1.NodeReport report = _world.Nodes.Nodes().Single(n => n.Id == "a").Report.Clone();
        report.StartTime.Seconds++;
        _world.Nodes.Take(new Lepton.Routing.Registry.NodeSession(), report);
        Assert.Null(StateOf("a").Ejection);
        Assert.Equal(1, StateOf("a").Ejections); // a crash loop is not forgiven by crashing
        Assert.True(StateOf("a").StartShare < 0.2);
    }

    [Fact]
    public void Region_ConnectionsInARow_IsEjectedToo()
    {
        _world.AddRegion("us-east", "ocr");
        Assert.Contains("us-east", HealthWorld.NamesOf(_world.Find()));
        Lane lane = _world.Find().Remote.Candidates[0].Lane;
        for (int i = 0; i < 5; i++)
        {
            lane.TryReserve(int.MaxValue);
            lane.Release(Outcome.Unreachable);
        }
        Assert.Equal(Exclusion.Ejected, HealthWorld.ExcludedOf(_world.Find())["us-east"]);
        Assert.Equal(1, _world.Regions.Regions().Single(r => r.Name == "us-east").Health.Ejections);
    }
}
