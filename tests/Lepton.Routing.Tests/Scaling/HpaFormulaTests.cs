using Lepton.Routing.Scaling.Hpa;

namespace Lepton.Routing.Tests.Scaling;

/// <summary>
/// E1: cases worked by hand from the rules at kubernetes.io, Horizontal Pod Autoscaling, "Algorithm details". The
/// reckoning stands beside each.
/// </summary>
public sealed class HpaFormulaTests
{
    [Theory]
    [InlineData(1, 200, 100, 2)] // the page's: 200m for 100m doubles
    [InlineData(2, 50, 100, 1)] // the page's: 50m for 100m halves
    [InlineData(3, 100, 100, 3)] // ratio 1
    [InlineData(10, 110, 100, 10)] // 1.1: just within 10 %
    [InlineData(10, 111, 100, 12)] // 1.11 × 10 = 11.1
    [InlineData(10, 90, 100, 10)] // 0.9: just within
    [InlineData(10, 89, 100, 9)] // 0.89 × 10 = 8.9
    [InlineData(4, 85, 80, 4)] // E1's GPU at 85 % for 80 %: 1.0625 is within
    [InlineData(4, 96, 80, 5)] // 1.2 × 4 = 4.8
    [InlineData(100, 330, 300, 100)] // 1.1 again, of other numbers
    [InlineData(10, 300, 100, 30)] // exactly 30, not 31 by a double's last bit
    [InlineData(5, 0, 100, 0)] // nothing to do: bounds are another's
    public void Propose_EachReplicaAlike_IsTheFormula(int current, double value, double target, int expected) =>
        Assert.Equal(expected, HpaFormula.Propose(new HpaMetric.Each("m", target,
            [.. Enumerable.Repeat(new ReplicaSample(value), current)]), current, current, HpaBehavior.Default));

    // Values by replica: a number, x without one, n not ready. Target 100.
    [Theory]
    [InlineData("200 100 x", 3, 3)] // 1.5 up; x as 0: 300/3 = 1.0, within: stays
    [InlineData("400 200 x", 3, 6)] // 3 up; x as 0: 600/3 = 2 × 3
    [InlineData("20 20 x", 3, 2)] // 0.2 down; x as 100: 140/3 = 0.47 × 3 = 1.4
    [InlineData("80 80 x", 3, 3)] // 0.8 down; x as 100: 260/3 = 0.87 × 3 = 2.6
    [InlineData("50 x x x", 4, 4)] // 0.5 down; 350/4 = 0.875 × 4 = 3.5
    [InlineData("150 x x x", 4, 4)] // 1.5 up; 150/4 = 0.375 turns the direction: stays
    [InlineData("300 n", 2, 3)] // 3 up; n as 0: 300/2 = 1.5 × 2
    [InlineData("150 n", 2, 2)] // 1.5 up; 150/2 = 0.75 turns: stays
    [InlineData("50 50 n", 3, 1)] // down: those not ready are left out: 0.5 × 2
    [InlineData("600 n x", 3, 6)] // 600/3 = 2 × 3
    [InlineData("240 240 n n", 4, 5)] // 480/4 = 1.2 × 4 = 4.8
    [InlineData("100 100 x", 3, 3)] // 1.0 and x as 100
    public void Propose_SomeUnknownOrNotReady_IsCautious(string samples, int current, int expected) =>
        Assert.Equal(expected, HpaFormula.Propose(
            new HpaMetric.Each("m", 100, [.. samples.Split(' ').Select(Sample)]), current, current,
            HpaBehavior.Default));

    [Theory]
    [InlineData("x x")]
    [InlineData("n")]
    [InlineData("")]
    public void Propose_NobodyMeasured_IsNotToBeHad(string samples) => Assert.Null(HpaFormula.Propose(
        new HpaMetric.Each("m", 100, [.. samples.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Sample)]),
        2, 2, HpaBehavior.Default));

    [Theory]
    [InlineData(4, 30, 50, 2)] // AverageValue of 30: 50 ÷ 30 = 1.67
    [InlineData(4, 30, 125, 4)] // 125 ÷ 120 = 1.04, within
    [InlineData(4, 30, 133, 5)] // 133 ÷ 120 = 1.108; 133 ÷ 30 = 4.4
    [InlineData(4, 30, 0, 0)]
    public void Propose_TotalOfAll_IsDividedByTheTarget(int current, double target, double value, int expected) =>
        Assert.Equal(expected, HpaFormula.Propose(
            new HpaMetric.Total("m", target, value), current, current, HpaBehavior.Default));

    [Theory]
    [InlineData(4, 4, 2.0, 8)] // a p99 twice the target
    [InlineData(4, 3, 2.0, 6)] // of those that are ready
    [InlineData(4, 4, 1.05, 4)]
    [InlineData(4, 4, 0.5, 2)]
    public void Propose_OneValue_MultipliesTheReady(int current, int ready, double ratio, int expected) =>
        Assert.Equal(expected, HpaFormula.Propose(
            new HpaMetric.Whole("m", 1, ratio), current, ready, HpaBehavior.Default));

    [Fact]
    public void Propose_TolerancesByDirection_HoldEachItsOwn()
    {
        HpaBehavior behavior = HpaBehavior.Default with { Up = HpaBehavior.Default.Up with { Tolerance = 0 } };

        Assert.Equal(11, HpaFormula.Propose(new HpaMetric.Total("m", 10, 105), 10, 10, behavior));
        Assert.Equal(10, HpaFormula.Propose(new HpaMetric.Total("m", 10, 91), 10, 10, behavior));
    }

    private static ReplicaSample Sample(string text) => text switch
    {
        "x" => new ReplicaSample(null),
        "n" => new ReplicaSample(null, Ready: false),
        _ => new ReplicaSample(double.Parse(text, System.Globalization.CultureInfo.InvariantCulture)),
    };
}
