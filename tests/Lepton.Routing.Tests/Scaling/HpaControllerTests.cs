using Lepton.Routing.Scaling.Hpa;
using Lepton.Routing.Tests.World;

namespace Lepton.Routing.Tests.Scaling;

/// <summary>
/// E1: windows, rate policies and bounds, worked by hand from kubernetes.io, Horizontal Pod Autoscaling, "Configurable
/// scaling behavior", and autoscaling/v2. A case is a line of times and demands (in replicas) and what must come out.
/// </summary>
public sealed class HpaControllerTests
{
    // seconds:demand>expected. What comes out is done at once.
    [Theory]
    // Up at most by the greater of 100 % and 4 in 15 s: 1 → 5 → 10 → 20 → 40.
    [InlineData("default", 1, "0:99>5 15:99>10 30:99>20 45:99>40 60:99>80 75:99>99")]
    // Asked again within the same 15 s: 5 of the period's start 1 are all there may be.
    [InlineData("default", 1, "0:99>5 5:99>5 10:99>5 15:99>10")]
    // Down by the highest of 300 s: 8 came in at 0, 6 at 15; when both are older than 300 s 2 counts.
    [InlineData("default", 8, "0:8>8 15:6>8 30:2>8 299:2>8 300:2>6 314:2>6 315:2>2")]
    // A peak within the window holds the rest up, and up has no window.
    [InlineData("default", 4, "0:2>2")]
    [InlineData("default", 4, "0:4>4 60:8>8 120:2>8 359:2>8 360:2>2")]
    // 10 % of 72 are 7.2, rounded up 8; then of 64: 7, of 57: 6. After a minute each (the page's own example).
    [InlineData("down 10% or 4", 72, "0:1>64 60:1>57 120:1>51 180:1>45 240:1>40 300:1>36 360:1>32 420:1>28")]
    // Below 40 the 4 pods are the greater; Min takes the lesser.
    [InlineData("down min of 10% and 4", 72, "0:1>68 60:1>64")]
    [InlineData("down min of 10% and 4", 20, "0:1>18 60:1>16")]
    [InlineData("down disabled", 9, "0:1>9 600:1>9 615:12>12")]
    [InlineData("up disabled", 3, "0:50>3 15:1>1")]
    // One pod a minute, whatever else: those of the period are counted over all steps.
    [InlineData("up 1 a minute", 2, "0:9>3 15:9>3 45:9>3 60:9>4 119:9>4 120:9>5")]
    // What left within the period counts towards its start: 5 at the start, so 3 may come back at once and 1 more.
    [InlineData("up 1 a minute", 5, "0:2>2 15:9>6")]
    // Up by the lowest of 60 s: a spike shorter than that does nothing.
    [InlineData("up window 60", 2, "0:2>2 15:8>2 30:8>2 45:2>2 60:8>2 75:8>2 90:8>2 104:8>2 105:8>6")] // then 2 + 4
    public void Decide_DemandOverTime_FollowsTheRules(string behavior, int start, string line)
    {
        ManualTime time = new();
        HpaController controller = new(BehaviorOf(behavior), 1, 100, time);
        (int current, int at) = (start, 0);
        foreach (string step in line.Split(' '))
        {
            int[] numbers = [.. step.Split(':', '>').Select(int.Parse)];
            time.Advance(TimeSpan.FromSeconds(numbers[0] - at));
            at = numbers[0];
            HpaDecision decision = controller.Decide(
                current, current, [new HpaMetric.Total("demand", 1, numbers[1])]);
            Assert.True(numbers[2] == decision.Desired, $"at {at} s: {decision}, expected {numbers[2]}");
            controller.Scaled(current, decision.Desired);
            current = decision.Desired;
        }
    }

    [Theory]
    [InlineData(2, 6, 1, 2)] // below the minimum: at once, whatever the metric
    [InlineData(2, 6, 9, 6)] // above the maximum
    [InlineData(2, 6, 3, 2)] // the metric says 0
    [InlineData(0, 6, 0, 0)] // 0 replicas: scaling is off
    public void Decide_Bounds_Hold(int min, int max, int current, int expected) => Assert.Equal(expected,
        new HpaController(NoWindows, min, max, new ManualTime())
            .Decide(current, current, [new HpaMetric.Total("m", 1, 0)]).Desired);

    [Theory]
    [InlineData(3.0, 6.0, 6)] // the greater counts
    [InlineData(6.0, 3.0, 6)]
    [InlineData(null, 6.0, 6)] // one lacking: up is possible
    [InlineData(null, 1.0, 4)] // and down is not
    [InlineData(null, null, 4)]
    [InlineData(1.0, 2.0, 2)]
    public void Decide_SeveralMetrics_GreatestCountsAndNoneIsGuessed(double? one, double? other, int expected) =>
        Assert.Equal(expected, new HpaController(NoWindows, 1, 10, new ManualTime()).Decide(4, 4,
            [new HpaMetric.Total("one", 1, one), new HpaMetric.Total("other", 1, other)]).Desired);

    private static HpaBehavior NoWindows => HpaBehavior.Default with
    {
        Down = HpaBehavior.Default.Down with { Window = TimeSpan.Zero },
    };

    private static HpaBehavior BehaviorOf(string name)
    {
        TimeSpan minute = TimeSpan.FromMinutes(1);
        ScalingPolicy[] some =
            [new ScalingPolicy(PolicyKind.Percent, 10, minute), new ScalingPolicy(PolicyKind.Pods, 4, minute)];
        return name switch
        {
            "default" => HpaBehavior.Default,
            "down 10% or 4" => NoWindows with { Down = NoWindows.Down with { Policies = some } },
            "down min of 10% and 4" =>
                NoWindows with { Down = NoWindows.Down with { Policies = some, Select = SelectPolicy.Min } },
            "down disabled" => NoWindows with { Down = NoWindows.Down with { Select = SelectPolicy.Disabled } },
            "up disabled" => NoWindows with { Up = NoWindows.Up with { Select = SelectPolicy.Disabled } },
            "up 1 a minute" => NoWindows with
            {
                Up = NoWindows.Up with { Policies = [new ScalingPolicy(PolicyKind.Pods, 1, minute)] },
            },
            "up window 60" => NoWindows with { Up = NoWindows.Up with { Window = minute } },
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such behaviour"),
        };
    }
}
