using Lepton.Routing.Resilience;

namespace Lepton.Routing.Tests.Resilience;

public sealed class AllowanceTests
{
    [Theory]
    [InlineData(1000, 80, 960)] // half the round trip
    [InlineData(1000, 0, 999)] // a millisecond where nothing is known
    [InlineData(60_000, 2000, 59_750)] // a quarter of a second at most
    [InlineData(10, 80, 7.5)] // never more than a quarter of what is left
    [InlineData(0, 80, 0)]
    [InlineData(-5, 80, 0)]
    public void TimeoutFor_TimeLeft_IsLessByTheWayBack(double leftMs, double roundTripMs, double expectedMs)
    {
        TimeSpan timeout = Allowance.TimeoutFor(
            TimeSpan.FromMilliseconds(leftMs), roundTripMs / 1000, new DeadlineOptions());
        Assert.Equal(expectedMs, timeout.TotalMilliseconds, 3);
    }

    [Theory]
    [InlineData(9, 0.020, true)]
    [InlineData(11, 0.020, false)]
    [InlineData(1, 0, false)] // not known yet: tried
    [InlineData(-1, 0, true)] // over
    public void IsTooShort_AgainstTheFastestAnswer_LeavesHalf(double leftMs, double fastest, bool expected) =>
        Assert.Equal(expected, Allowance.IsTooShort(TimeSpan.FromMilliseconds(leftMs), fastest));
}
