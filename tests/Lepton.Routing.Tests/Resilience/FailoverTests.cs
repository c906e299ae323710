using Lepton.Routing.Balancing;
using Lepton.Routing.Resilience;

namespace Lepton.Routing.Tests.Resilience;

public sealed class FailoverTests
{
    private static Candidate Place(string node, string zone, string region = "") => new()
    {
        Node = node, Zone = zone, Region = region, Url = new Uri("https://localhost:1"), Lane = new Lane(), Slots = 1,
    };

    private static readonly Candidate A1 = Place("a1", "a"), A2 = Place("a2", "a"), B1 = Place("b1", "b"),
        B2 = Place("b2", "b"), Far = Place("", "", "far"), Farther = Place("", "", "farther");

    private static string LeftAfter(Candidate[] candidates, params Candidate[] died)
    {
        CandidateView view = new(
            [.. candidates.Where(c => !c.IsRegion)], [.. candidates.Where(c => c.IsRegion)], new Turn());
        PassedOver passed = new();
        foreach (Candidate dead in died)
            passed.Add(dead.Lane, Exclusion.Attempted);
        PassedOver avoided = Failover.Avoid(view, passed, died);
        return string.Join(' ', candidates.Where(c => avoided.ReasonOf(c.Lane) == Exclusion.None)
            .Select(c => c.IsRegion ? c.Region : c.Node));
    }

    [Fact]
    public void Avoid_OneDeath_LeavesOtherZonesAndRegions() =>
        Assert.Equal("b1 b2 far", LeftAfter([A1, A2, B1, B2, Far], A1));

    [Fact]
    public void Avoid_OneDeathAndNoOtherZone_LeavesItsNeighbours() =>
        Assert.Equal("a2 far", LeftAfter([A1, A2, Far], A1));

    [Fact]
    public void Avoid_TwoDeathsInTheRegion_LeavesOtherRegions() =>
        Assert.Equal("far farther", LeftAfter([A1, A2, B1, B2, Far, Farther], A1, B1));

    [Fact]
    public void Avoid_TwoDeathsAndNoOtherRegion_LeavesWhatThereIs()
    {
        Assert.Equal("b1 b2", LeftAfter([A1, A2, B1, B2], A1, A2));
        Assert.Equal("a2 b2", LeftAfter([A1, A2, B1, B2], A1, B1));
    }

    [Fact]
    public void Avoid_AnotherRegionDied_LeavesTheOwnZones() =>
        Assert.Equal("a1 b1 farther", LeftAfter([A1, B1, Far, Farther], Far));

    [Fact]
    public void Avoid_EverythingDied_LeavesNothing() => Assert.Equal("", LeftAfter([A1, B1, Far], A1, B1, Far));

    [Fact]
    public void Avoid_NobodyDied_IsTheSame()
    {
        PassedOver passed = new();
        passed.Add(A1.Lane, Exclusion.Attempted);
        Assert.Same(passed, Failover.Avoid(new CandidateView([A1, A2, B1], [], new Turn()), passed, []));
    }
}
