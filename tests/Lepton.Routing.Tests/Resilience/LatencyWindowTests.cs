using Lepton.Routing.Resilience;
using Lepton.Routing.Tests.World;

namespace Lepton.Routing.Tests.Resilience;

public sealed class LatencyWindowTests
{
    private readonly ManualTime _time = new();
    private readonly LatencyWindow _window;

    public LatencyWindowTests() => _window = new LatencyWindow(0.95, samplesMin: 100, _time);

    private void Record(int count, Func<int, double> seconds)
    {
        for (int i = 0; i < count; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            _window.Record(seconds(i));
        }
    }

    [Theory]
    [InlineData(0.000_050)]
    [InlineData(0.004)]
    [InlineData(0.25)]
    [InlineData(30)]
    public void SlowSeconds_EvenlySpread_IsThePercentileWithinABucket(double scale)
    {
        Record(10_000, i => scale * (1 + (i % 100 / 100.0)));
        Assert.InRange(_window.SlowSeconds, 1.95 * scale, 1.95 * scale * 1.14);
        Assert.InRange(_window.FastestSeconds, scale / 1.14, scale);
    }

    [Fact]
    public void SlowSeconds_TooFewAnswers_IsUnknown()
    {
        Record(99, _ => 0.01);
        Assert.Equal((0, 0), (_window.SlowSeconds, _window.FastestSeconds));
    }

    [Fact]
    public void SlowSeconds_HalfAMinuteLater_HasForgotten()
    {
        Record(1000, _ => 1);
        _time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(0, _window.SlowSeconds);
        Record(1000, _ => 0.001);
        Assert.InRange(_window.SlowSeconds, 0.001, 0.0012);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(1e9)]
    [InlineData(double.NaN)]
    public void Record_BeyondTheScale_IsTakenAtItsEnd(double seconds)
    {
        Record(1000, _ => seconds);
        Assert.True(double.IsFinite(_window.SlowSeconds));
    }
}
