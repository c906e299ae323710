using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Testing;

namespace Lepton.Sync.Tests.Replication;

/// <summary>S8: how old what is held of a home may be is stated, and never too small.</summary>
public sealed class LagTests
{
    private static readonly NodeId Home = new(4);
    private static readonly DateTimeOffset Start = new(2031, 5, 6, 7, 8, 9, TimeSpan.Zero);

    private readonly MovableTime _time = new(Start);

    [Fact]
    public void Staleness_BeforeTheHomeSaidAnything_IsNotKnown()
    {
        Lag lag = new(_time);
        lag.Applied(Home, "t", new LogPosition(5), null);

        Assert.Null(lag.StalenessOf(Home));
        Assert.Null(lag.StalenessOf(new NodeId(5)));
        Assert.Null(lag.HeardAt(Home));
    }

    [Fact]
    public void Staleness_GrowsUntilTheHomeSaysMore()
    {
        Lag lag = new(_time);
        lag.Applied(Home, "t", new LogPosition(5), Start - TimeSpan.FromSeconds(2));
        _time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal(TimeSpan.FromSeconds(5), lag.StalenessOf(Home));
        lag.Applied(Home, "t", new LogPosition(6), Start + TimeSpan.FromSeconds(2));
        Assert.Equal(TimeSpan.FromSeconds(1), lag.StalenessOf(Home));
    }

    [Fact]
    public void Staleness_HomeWhoseClockIsAhead_IsAtLeastTheTimeSinceItWasHeard()
    {
        Lag lag = new(_time);
        lag.Applied(Home, "t", new LogPosition(5), Start + TimeSpan.FromHours(1));
        _time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal(TimeSpan.FromSeconds(3), lag.StalenessOf(Home));
    }

    [Fact]
    public void Sight_NewTimeline_BeginsAnew()
    {
        Lag lag = new(_time);
        lag.Received(Home, "t", new LogPosition(9));
        lag.Applied(Home, "t", new LogPosition(8), Start);
        lag.Applied(Home, "t", new LogPosition(7), Start - TimeSpan.FromSeconds(9));
        Assert.Equal(new SourceSight("t", new(9), new(8), Start), lag.SightOf(Home));

        lag.Received(Home, "u", new LogPosition(2));

        Assert.Equal(new SourceSight("u", new(2), default, null), lag.SightOf(Home));
        Assert.Null(lag.StalenessOf(Home));
    }

    [Fact]
    public void HeardAt_AndSilence_AreOfTheLastWord()
    {
        Lag lag = new(_time);
        lag.Heard(Home);
        _time.Advance(TimeSpan.FromSeconds(11));

        Assert.Equal(Start, lag.HeardAt(Home));
        Assert.Equal(TimeSpan.FromSeconds(11), lag.SilenceOf(Home));
    }
}
