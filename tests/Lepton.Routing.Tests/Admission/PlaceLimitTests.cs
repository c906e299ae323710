using Lepton.Routing.Admission;
using Lepton.Routing.Health;
using Lepton.Routing.Tests.World;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Tests.Admission;

/// <summary>How the limit of one model at one place moves. Ten slots' worth of answers take 100 ms each.</summary>
public sealed class PlaceLimitTests
{
    private const double Free = 0.1;

    private readonly ManualTime _time = new();
    private readonly PauseWatch _pauses;
    private readonly LimitOptions _options = new();
    private readonly PlaceLimit _limit;

    public PlaceLimitTests()
    {
        _pauses = new PauseWatch(Options.Create(new RoutingOptions()), _time);
        _limit = new PlaceLimit(_options, _time, _pauses);
    }

    private int Sweep(int outstanding)
    {
        _time.Advance(TimeSpan.FromSeconds(0.25));
        _pauses.Tick();
        _limit.Sweep(outstanding);
        return _limit.Current;
    }

    private void Answer(double seconds, bool queued, int times = 20)
    {
        for (int i = 0; i < times; i++)
            _limit.Answered(seconds, queued, Free);
    }

    // As many sweeps as it takes for it to stand still under answers that take as long as n requests at s slots do.
    private int Settle(int slots, Func<int, int> demand)
    {
        int outstanding = demand(_limit.Current);
        for (int i = 0; i < 200; i++)
        {
            Answer(Math.Max(1, outstanding / (double)slots) * Free, queued: outstanding > slots);
            outstanding = demand(Sweep(outstanding));
        }
        return _limit.Current;
    }

    [Fact]
    public void Sweep_NothingLearned_DoesNotBind()
    {
        Assert.Equal(_options.PlaceMax, Sweep(50));
        Assert.False(_limit.IsLearned);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(16)]
    [InlineData(64)]
    public void Sweep_MoreIsAskedThanAnswered_SettlesNearTwiceTheSlots(int slots)
    {
        int settled = Settle(slots, demand: limit => Math.Min(limit, 1000));
        Assert.InRange(settled, slots * 2, (slots * 2) + (2 * Math.Sqrt(slots * 2)) + 3);
    }

    [Fact]
    public void Sweep_AnswersThatFoundASlot_NeverLowerIt()
    {
        for (int i = 0; i < 100; i++)
        {
            Answer(50 * Free, queued: false);
            Assert.Equal(_options.PlaceMax, Sweep(4));
        }
    }

    [Fact]
    public void Sweep_SlowWhileQueued_FallsWithinASecondAndRisesWithinThree()
    {
        Answer(Free, queued: false);
        Sweep(20);
        for (int i = 0; i < 4; i++)
        {
            Answer(10 * Free, queued: true);
            Sweep(20);
        }
        Assert.InRange(_limit.Current, 1, 10);
        for (int i = 0; i < 12; i++)
        {
            Answer(Free, queued: true);
            Sweep(_limit.Current);
        }
        Assert.True(_limit.Current >= 20);
    }

    [Fact]
    public void Sweep_FewAnswers_AreNotJudged()
    {
        Answer(Free, queued: false);
        Sweep(20);
        Answer(100 * Free, queued: true, times: 4);
        Assert.Equal(_options.PlaceMax, Sweep(20));
        Answer(100 * Free, queued: true, times: 1); // the fifth
        Assert.True(Sweep(20) < 20);
    }

    [Fact]
    public void Sweep_RightAfterAFall_AnswersSentBeforeItDoNotLowerItAgain()
    {
        Answer(Free, queued: false);
        Sweep(40);
        Answer(10 * Free, queued: true);
        int fallen = Sweep(40);
        Answer(10 * Free, queued: true); // they waited a second: in this second more of them come
        Assert.Equal(fallen, Sweep(40));
        Answer(10 * Free, queued: true);
        Assert.Equal(fallen, Sweep(40));
    }

    [Fact]
    public void Refused_LowersItToATenthLessThanWasUnderWay()
    {
        _limit.Refused();
        Assert.Equal(18, Sweep(20));
    }

    [Fact]
    public void Refused_ForEver_StopsAtTheLeastAndComesBack()
    {
        for (int i = 0; i < 300; i++)
        {
            _limit.Refused();
            Sweep(_limit.Current);
        }
        Assert.Equal(_options.PlaceMin, _limit.Current);
        Assert.True(Settle(slots: 8, demand: limit => Math.Min(limit, 1000)) >= 16);
    }

    [Fact]
    public void Sweep_UnusedLimit_DoesNotRise()
    {
        _limit.Refused();
        Sweep(20);
        int before = Sweep(2); // what was used a moment ago still counts
        for (int i = 0; i < 50; i++)
        {
            Answer(Free, queued: false);
            Sweep(2);
        }
        Assert.Equal(before, _limit.Current);
    }

    [Fact]
    public void Sweep_AfterAPauseOfThisProcess_LearnsNothingFromIt()
    {
        Answer(Free, queued: false);
        Sweep(20);
        _time.Advance(TimeSpan.FromSeconds(30)); // SIGSTOP: what came meanwhile seems to have taken 30 s
        Answer(30, queued: true);
        Answer(30, queued: false);
        _limit.Refused();
        Assert.Equal(_options.PlaceMax, Sweep(20));
        for (int i = 0; i < 11; i++) // as long as health is in doubt: who waited behind those
        {
            Answer(30, queued: true);
            Assert.Equal(_options.PlaceMax, Sweep(20));
        }
    }

    [Fact]
    public void Sweep_PlaceStaysSlower_IsBelievedAfterMinutes()
    {
        Answer(Free, queued: false);
        Sweep(1);
        int before = Settle(8, demand: limit => Math.Min(limit, 1000));
        for (int i = 0; i < 4 * 60 * 5; i++) // five minutes at a third of the speed, half of the requests unqueued
        {
            Answer(3 * Free, queued: false);
            Answer(3 * Free * Math.Max(1, _limit.Current / 8.0), queued: true);
            Sweep(_limit.Current);
        }
        Assert.True(_limit.Current >= before * 0.9);
    }
}
