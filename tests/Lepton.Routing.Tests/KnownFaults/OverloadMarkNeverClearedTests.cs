using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Tests.World;

namespace Lepton.Routing.Tests.KnownFaults;

/// <summary>Known of others: a node that was full once is marked, and nothing ever takes the mark away.</summary>
public sealed class OverloadMarkNeverClearedTests
{
    private readonly HealthWorld _world = new();

    public OverloadMarkNeverClearedTests()
    {
        _world.AddNode("a");
        _world.AddNode("b");
        _world.Pass(12);
    }

    private double ShareOfA(int requests = 1000) =>
        Enumerable.Range(0, requests).Count(_ => _world.Ask(
            _ => Outcome.Unjudged, strategy: StrategyCatalogue.ByName["weighted"])!.Node == "a") / (double)requests;

    [Fact]
    public void Overloaded_ManyTimes_GetsLessAndIsNeverLeftOut()
    {
        _world.End("a", Outcome.Overloaded, 1000);
        Assert.Equal(["a", "b"], HealthWorld.NamesOf(_world.Find()));
        Assert.InRange(ShareOfA(), 0, 0.2);
        _world.Pass(30);
        Assert.Empty(_world.Changes);
    }

    [Fact]
    public void Overloaded_TimeOrAnswers_GetsItsShareAgain()
    {
        _world.End("a", Outcome.Overloaded, 1000);
        _world.Pass(60); // nobody asks it, and it is forgiven all the same
        Assert.Equal(1, _world.LaneOf("a").Slowness);
        Assert.InRange(ShareOfA(), 0.45, 0.55);
        _world.End("a", Outcome.Overloaded, 1000);
        _world.End("a", Outcome.Good, 80);
        _world.End("b", Outcome.Good, 80);
        Assert.InRange(ShareOfA(), 0.45, 0.55);
    }
}
