using Lepton.Routing.Tenants;
using Lepton.ServiceDefaults;
using Lepton.Testing;

namespace Lepton.Routing.Tests.Tenants;

/// <summary>C2: quotas, alone and over a region's routers, on a clock that the test moves.</summary>
public sealed class TenantUseTests
{
    private static readonly TimeSpan AgeMax = TimeSpan.FromSeconds(2), Millisecond = TimeSpan.FromMilliseconds(1);

    private readonly MovableTime time = new(DateTimeOffset.UnixEpoch.AddYears(50));

    [Fact]
    public void Enter_RateSpent_SaysWhenThereIsRoomAndThenThereIs()
    {
        TenantUse use = new(time);
        TenantTerms terms = new() { RequestsPerSecond = 10 };
        for (int i = 0; i < 10; i++)
            Assert.Null(use.Enter(terms, AgeMax));

        QuotaRefusal spent = Assert.NotNull(use.Enter(terms, AgeMax));

        Assert.Equal(("requestsPerSecond", TimeSpan.FromSeconds(0.1)), (spent.Term, spent.RetryAfter));
        time.Advance(spent.RetryAfter);
        Assert.Null(use.Enter(terms, AgeMax));
        Assert.NotNull(use.Enter(terms, AgeMax));
    }

    [Fact]
    public void Enter_QuietForHours_GivesTheBurstAndNoMore()
    {
        TenantUse use = new(time);
        TenantTerms terms = new() { RequestsPerSecond = 10, Burst = 25 };
        Assert.Null(use.Enter(terms, AgeMax));
        time.Advance(TimeSpan.FromHours(5));

        Assert.Equal(25, Enumerable.Range(0, 100).Count(_ => use.Enter(terms, AgeMax) is null));
    }

    [Fact]
    public void Enter_UnderWayHereAndAtSiblings_CountTogether()
    {
        TenantUse use = new(time);
        TenantTerms terms = new() { ConcurrentRequests = 5 };
        use.Take("other", run: 1, requests: 3, underWay: 3);
        Assert.Null(use.Enter(terms, AgeMax));
        Assert.Null(use.Enter(terms, AgeMax));

        Assert.Equal("concurrentRequests", use.Enter(terms, AgeMax)?.Term);
        use.Leave();
        Assert.Null(use.Enter(terms, AgeMax));

        time.Advance(AgeMax); // the sibling died: what it had ended with it
        Assert.Null(use.Enter(terms, AgeMax));
    }

    [Fact]
    public void Take_FirstWordOfARun_DrawsNothing()
    {
        TenantUse use = new(time);
        TenantTerms terms = new() { RequestsPerSecond = 10 };
        Assert.Null(use.Enter(terms, AgeMax));

        use.Take("other", run: 1, requests: 1_000_000, underWay: 0); // this router has just started
        Assert.Null(use.Enter(terms, AgeMax));
        use.Take("other", run: 2, requests: 3, underWay: 0); // and now the other one
        Assert.Null(use.Enter(terms, AgeMax));

        use.Take("other", run: 2, requests: 10, underWay: 0);
        Assert.NotNull(use.Enter(terms, AgeMax));
    }

    [Fact]
    public void Take_AfterALongCut_OwesOneSecondAtMost()
    {
        TenantUse use = new(time);
        TenantTerms terms = new() { RequestsPerSecond = 10 };
        Assert.Null(use.Enter(terms, AgeMax));
        use.Take("other", 1, 0, 0);
        use.Take("other", 1, 1_000_000, 0);

        Assert.NotNull(use.Enter(terms, AgeMax));
        time.Advance(TimeSpan.FromSeconds(1.1) + Millisecond);
        Assert.Null(use.Enter(terms, AgeMax));
    }

    /// <summary>What README.md states: the region admits the rate, however it is spread over the routers.</summary>
    [Theory]
    [InlineData(2, 100, 1.0)] // all at one router
    [InlineData(2, 100, 0.5)]
    [InlineData(2, 1000, 0.7)]
    [InlineData(4, 1000, 0.25)]
    [InlineData(4, 100, 0.4)]
    public void Enter_SeveralRoutersOverloaded_AdmitTheRateTogether(int routers, int rate, double shareOfFirst)
    {
        const int Seconds = 20, IntervalMilliseconds = 100;
        TenantTerms terms = new() { RequestsPerSecond = rate };
        TenantUse[] uses = [.. Enumerable.Range(0, routers).Select(_ => new TenantUse(time))];
        Random random = new(17);
        double offered = 3.0 * rate / 1000; // a millisecond, over all
        long admitted = 0;
        double worst = 0;
        for (int ms = 0; ms < Seconds * 1000; ms++)
        {
            for (int i = (int)(offered + random.NextDouble()); i > 0; i--)
            {
                int at = random.NextDouble() < shareOfFirst ? 0 : random.Next(1, routers);
                if (uses[at].Enter(terms, AgeMax) is not null)
                    continue;
                uses[at].Leave();
                admitted++;
            }
            time.Advance(Millisecond);
            if (ms % IntervalMilliseconds == 0)
                foreach (TenantUse from in uses)
                    foreach (TenantUse to in uses.Where(to => to != from))
                        to.Take($"{Array.IndexOf(uses, from)}", 1, from.Own.Requests, from.Own.UnderWay);
            double allowed = rate + (rate * (ms + 1) / 1000.0); // the burst, and the rate since
            worst = Math.Max(worst, admitted - allowed);
        }

        double error = admitted / (rate + (double)(rate * Seconds)) - 1;
        Assert.InRange(error, -0.02, 0.02);
        // Never ahead by more than what the others could not know of yet.
        Assert.InRange(worst, double.MinValue, (3.0 * rate * IntervalMilliseconds / 1000) + routers);
    }
}
