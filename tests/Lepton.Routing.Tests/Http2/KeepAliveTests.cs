using Lepton.Routing.Http2;
using Lepton.Routing.Tests.World;

namespace Lepton.Routing.Tests.Http2;

/// <summary>When a silent peer is asked, and given up.</summary>
public sealed class KeepAliveTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void Look_SilentWhileSomebodyWaits_AsksAndGivesUpWithin15Seconds()
    {
        KeepAlive life = new(_time);
        List<Vitality> seen = [];
        for (TimeSpan t = default; t < TimeSpan.FromSeconds(15); t += KeepAlive.Interval)
        {
            _time.Advance(KeepAlive.Interval);
            seen.Add(life.Look(isUsed: true));
        }
        Assert.Equal([Vitality.Well, Vitality.Well, Vitality.Ask, Vitality.Well, Vitality.Dead, Vitality.Dead], seen);
    }

    [Fact]
    public void Look_HeardAfterAsking_IsWell()
    {
        KeepAlive life = new(_time);
        _time.Advance(TimeSpan.FromSeconds(8));
        Assert.Equal(Vitality.Ask, life.Look(isUsed: true));
        life.Heard();
        _time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(Vitality.Well, life.Look(isUsed: true));
    }

    [Fact]
    public void Look_NobodyWaits_AsksNothingAndIsIdleAfterFiveMinutes()
    {
        KeepAlive life = new(_time);
        _time.Advance(TimeSpan.FromMinutes(4.9));
        Assert.Equal(Vitality.Well, life.Look(isUsed: false));
        _time.Advance(TimeSpan.FromMinutes(0.1));
        Assert.Equal(Vitality.Idle, life.Look(isUsed: false));
    }
}
