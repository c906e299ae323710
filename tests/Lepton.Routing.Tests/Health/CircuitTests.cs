using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Tests.World;

namespace Lepton.Routing.Tests.Health;

public sealed class CircuitTests
{
    private readonly HealthWorld _world = new();

    public CircuitTests()
    {
        foreach (string node in (string[])["a", "b", "c"])
            _world.AddNode(node, models: ["ocr", "language"]);
    }

    [Fact]
    public void Fail_FiveInARow_OpensThatModelOnThatNodeOnly()
    {
        _world.End("a", Outcome.Failed, 4);
        _world.End("a", Outcome.Good);
        _world.End("a", Outcome.Failed, 4);
        Assert.Equal(["a", "b", "c"], HealthWorld.NamesOf(_world.Find())); // never five in a row
        _world.End("a", Outcome.Failed);
        CandidateView view = _world.Find();
        Assert.Equal(["b", "c"], HealthWorld.NamesOf(view));
        Assert.Equal(Exclusion.CircuitOpen, HealthWorld.ExcludedOf(view)["a"]);
        Assert.Contains("5 failures in a row; next trial in", view.Excluded[0].Detail, StringComparison.Ordinal);
        Assert.Equal(["a"], HealthWorld.NamesOf(view.LastResort)); // when all others were tried
        Assert.Equal(["a", "b", "c"], HealthWorld.NamesOf(_world.Find("language")));
        Assert.Equal(["a CircuitOpened"], _world.Changes);
    }

    [Theory]
    [InlineData(Outcome.Unjudged)]
    [InlineData(Outcome.Overloaded)]
    internal void Fail_NotTheModelsFault_NeverOpens(Outcome outcome)
    {
        _world.End("a", outcome, 100);
        Assert.Equal(CircuitState.Closed, _world.LaneOf("a").CircuitState);
    }

    [Fact]
    public void Pick_HalfOpen_LetsOneTrialThroughWhichClosesIt()
    {
        _world.End("a", Outcome.Failed, 5);
        _world.Pass(1);
        CandidateView view = _world.Find();
        Assert.Equal(CircuitState.HalfOpen, _world.LaneOf("a").CircuitState);

        // Sixteen requests at once: one of them is the trial, the others go where they would.
        Candidate?[] picked = new Candidate?[16];
        bool[] trial = new bool[16];
        Parallel.For(0, 16, i =>
        {
            PickContext context = new(new Chance((ulong)i), 0);
            picked[i] = Balancer.Pick(view, StrategyCatalogue.Default, ref context, true, out CandidateView from);
            trial[i] = from.IsTrial;
        });
        Assert.Equal(1, picked.Count(p => p!.Node == "a"));
        Assert.Equal("a", picked[Array.IndexOf(trial, true)]!.Node);
        Assert.Equal(CircuitState.Trial, _world.LaneOf("a").CircuitState);

        _world.LaneOf("a").Release(Outcome.Good, trial: true);
        Assert.Equal(CircuitState.Closed, _world.LaneOf("a").CircuitState);
        Assert.Equal(["a", "b", "c"], HealthWorld.NamesOf(_world.Find()));
    }

    [Fact]
    public void Pick_DryRun_IsNoTrial()
    {
        _world.End("a", Outcome.Failed, 5);
        _world.Pass(1);
        PickContext context = new(new Chance(1), 0);
        Candidate? picked = Balancer.Pick(_world.Find(), StrategyCatalogue.Default, ref context, book: false, out _);
        Assert.NotEqual("a", picked!.Node);
        Assert.Equal(CircuitState.HalfOpen, _world.LaneOf("a").CircuitState);
    }

    [Fact]
    public void Trial_SaysNothingOfThePlace_IsMadeAgain()
    {
        _world.End("a", Outcome.Failed, 5);
        _world.Pass(1);
        Assert.Equal("a", _world.Ask(_ => Outcome.Unjudged)!.Node); // the caller gave up
        Assert.Equal("a", _world.Ask(_ => Outcome.Good)!.Node);
        Assert.Equal(CircuitState.Closed, _world.LaneOf("a").CircuitState);
    }

    [Fact]
    public void Trial_EndsOfEarlierRequests_NeitherCloseNorProlong()
    {
        Lane lane = _world.LaneOf("a");
        for (int i = 0; i < 8; i++)
            lane.TryReserve(int.MaxValue);
        for (int i = 0; i < 6; i++)
            lane.Release(Outcome.Failed);
        Assert.Equal((CircuitState.Open, 1), (lane.CircuitState, lane.Circuit!.Times));
        lane.Release(Outcome.Good);
        Assert.Equal(CircuitState.Open, lane.CircuitState);
        _world.Pass(1);
        Assert.True(lane.Circuit.TryTrial());
        lane.Release(Outcome.Failed); // not the trial's
        Assert.Equal(CircuitState.Trial, lane.CircuitState);
    }

    [Fact]
    public void Close_StaysWell_ForgivesStepByStep()
    {
        _world.End("a", Outcome.Failed, 5);
        for (int i = 0; i < 3; i++)
        {
            while (_world.LaneOf("a").CircuitState != CircuitState.HalfOpen)
                _world.Pass(0.25);
            _world.Ask(_ => Outcome.Failed);
        }
        Circuit circuit = _world.LaneOf("a").Circuit!;
        Assert.Equal(4, circuit.Times);
        Assert.InRange(circuit.Left.TotalSeconds, 6.4, 8);
        _world.Pass(8);
        _world.Ask(_ => Outcome.Good);
        _world.Pass(8);
        Assert.InRange(circuit.Times, 2, 3);
        _world.Pass(8);
        Assert.Equal(0, circuit.Times);
    }
}
