using Lepton.Routing.Scaling.Pools;
using Lepton.Routing.Scaling.Signals;
using Lepton.Routing.Tests.World;

namespace Lepton.Routing.Tests.Scaling;

/// <summary>E1: how many nodes keep a promise, worked by hand from Erlang's C formula.</summary>
public sealed class StaffingTests
{
    // Executions of 1 s, a tail factor of 1: 1 s and the wait, ln(C ÷ 0.01) ÷ (slots - load).
    [Theory]
    [InlineData(0.5, 1, 8.824)] // C = 0.5: ln 50 ÷ 0.5
    [InlineData(2, 3, 4.794)] // C = 4/9: ln 44.4 ÷ 1
    [InlineData(2, 4, 2.428)] // C = 4/23: ln 17.4 ÷ 2
    [InlineData(0.01, 2, 1)] // 0.005 % wait: the 99th percentile does not
    [InlineData(3, 3, double.PositiveInfinity)] // more comes than goes
    public void P99_ByErlangC_IsTheFormula(double load, int slots, double expected) => Assert.Equal(
        expected, Staffing.P99Seconds(new Demand(load, 0, 1, 1), slots, 1), 3);

    [Fact]
    public void P99_ManyWait_IsAtLeastUntilTheyHaveBegun() =>
        Assert.Equal(1 + 25, Staffing.P99Seconds(new Demand(0.01, 100, 1, 2), 2, 1), 3);

    [Theory]
    [InlineData(0, 0, 0)] // nothing to do
    [InlineData(2, 0, 4)] // 4.794 s are over 3 s, 2.428 s are not
    [InlineData(2, 100, 12)] // 100 within 10 s are 10 more
    [InlineData(500, 0, 50)] // never more than the most
    public void Nodes_PromiseOf3Seconds_AreTheFewest(double load, double queued, int expected) => Assert.Equal(
        expected, Staffing.Nodes(new Demand(load, queued, 1, 1), new Objective(3, 1, 10), 50));

    [Fact]
    public void Nodes_TwiceTheLoad_NeedLessThanTwice()
    {
        Objective promise = new(3, 1, 10);

        int small = Staffing.Nodes(new Demand(5, 0, 1, 1), promise, 500);
        int large = Staffing.Nodes(new Demand(50, 0, 1, 1), promise, 500);

        Assert.True(large < 8 * small, $"{small} for 5, {large} for 50");
    }

    [Fact]
    public void Estimate_MoreComesThanGoes_CountsWhatCame()
    {
        (ManualTime time, DemandEstimate estimate, ModelSignal signal) = Begin();
        // 10 a second are answered, 5 more a second come and wait.
        for (int i = 1; i <= 60; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            estimate.Hear(signal = new ModelSignal("m", 1, 10, 10, 5 * i, 10, 1));
        }

        Assert.InRange(estimate.Now(signal).Load, 14.9, 15.1);
    }

    [Fact]
    public void Estimate_RequestsRunTogether_CountExecutions()
    {
        (ManualTime time, DemandEstimate estimate, ModelSignal signal) = Begin();
        // 40 requests a second by executions of 0.2 s, 2 of which run: 4 requests each.
        for (int i = 1; i <= 120; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            estimate.Hear(signal = new ModelSignal("m", 1, 4, 2, 8, 40, 0.2));
        }

        Assert.Equal(4, estimate.RequestsPerExecution, 1);
        Assert.Equal(2, estimate.Steady(signal).Load, 1);
        Assert.Equal(2, estimate.Now(signal).Queued, 1);
    }

    private static (ManualTime, DemandEstimate, ModelSignal) Begin()
    {
        ManualTime time = new();
        return (time, new DemandEstimate(TimeSpan.FromSeconds(20), time), default);
    }
}
