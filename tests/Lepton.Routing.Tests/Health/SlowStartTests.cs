using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Tests.World;

namespace Lepton.Routing.Tests.Health;

public sealed class SlowStartTests
{
    private readonly HealthWorld _world = new();

    private Candidate Of(string node) => _world.Find().All.Candidates.Single(c => c.Node == node);

    [Fact]
    public void Find_NewNodeBesideOthers_ComesToItsShareOverTheWindow()
    {
        _world.AddNode("old", slots: 10);
        _world.Pass(10);
        _world.AddNode("new", slots: 10);
        Assert.Equal((1, 0.1), (Of("new").Slots, Of("new").StartShare));
        Assert.Equal(Of("old").FormulaWeight / 10, Of("new").FormulaWeight, 6);
        _world.Pass(5);
        Assert.Equal((5, 0.5), (Of("new").Slots, Of("new").StartShare));
        _world.Pass(5);
        Assert.Equal((10, 1.0), (Of("new").Slots, Of("new").StartShare));
    }

    [Fact]
    public void Find_OthersFullOrNone_StartsAtOnce()
    {
        _world.AddNode("first", slots: 10); // nobody else to carry anything
        Assert.Equal((10, 1.0), (Of("first").Slots, Of("first").StartShare));
        _world.Pass(10);
        _world.AddNode("new", slots: 10);
        Assert.Equal(1, Of("new").Slots);
        Lane busy = _world.LaneOf("first");
        for (int i = 0; i < 10; i++)
            busy.TryReserve(int.MaxValue);
        Assert.Equal((10, 1.0), (Of("new").Slots, Of("new").StartShare));
    }

    [Fact]
    public void Find_BackFromAnEjection_StartsSlowly()
    {
        foreach (string node in (string[])["a", "b", "c"])
            _world.AddNode(node, slots: 10);
        _world.Pass(10);
        _world.End("a", Outcome.Unreachable, 5);
        _world.Pass(10);
        Assert.Contains("a Returned", _world.Changes);
        Assert.Equal("a", _world.Ask(_ => Outcome.Good)!.Node); // its circuit had opened too: the trial
        Assert.InRange(Of("a").StartShare, 0.1, 0.3);
        Assert.Equal(1, Of("b").StartShare);
    }

    [Fact]
    public void Find_SuspectAgainWell_NeverStartedAnew()
    {
        _world.AddNode("a", slots: 10);
        _world.AddNode("b", slots: 10);
        _world.Pass(10);
        _world.Silence("a");
        _world.Pass(4);
        _world.AddNode("a", slots: 10);
        Assert.Equal(1, Of("a").StartShare);
    }

    [Fact]
    public void Seconds_SlotsHeldBack_AreThereForTheEstimate()
    {
        // Three of ten slots in use there: nobody waited, whatever share of the slots we may use.
        Candidate slow = new()
        {
            Node = "a", Region = "here", Url = new("https://a"), Lane = new Lane(), Slots = 1, SlotsThere = 10,
        };
        Assert.Equal(0.1, ServiceEstimate.Seconds(0.1, slow, ahead: 3), 9);
    }
}
