using Lepton.Routing.Balancing;
using Lepton.Routing.Health;

namespace Lepton.Routing.Tests.Balancing;

public sealed class LaneTests
{
    [Fact]
    public void TryReserve_ManyThreads_NeverOverbook()
    {
        Lane lane = new();
        int booked = 0;
        Parallel.For(0, 10_000, _ =>
        {
            if (lane.TryReserve(7))
                Interlocked.Increment(ref booked);
        });
        Assert.Equal((7, 7), (booked, lane.Outstanding));
    }

    [Fact]
    public void Lane_FastFailures_TeachNothingAndOldLessonsAreForgotten()
    {
        Lane lane = new();
        lane.TryReserve(1);
        lane.Release(Outcome.Failed);
        Assert.Equal((0, 0.0), (lane.Outstanding, lane.ServiceSeconds));
        lane.Learn(0.5, timestamp: 100);
        lane.Learn(1.5, timestamp: 200);
        Assert.Equal(0.6, lane.ServiceSeconds, 9);
        lane.ForgetIfOlder(200);
        Assert.Equal(0.6, lane.ServiceSeconds, 9);
        lane.ForgetIfOlder(201);
        Assert.Equal(0, lane.ServiceSeconds);
    }

    [Fact]
    public void Reservation_EndedTwice_ReleasesOnce()
    {
        Lane lane = new();
        lane.TryReserve(1);
        Reservation reservation = new(lane);
        reservation.End(Outcome.Good);
        reservation.Dispose();
        Assert.Equal((0, 1L, 0L), (lane.Outstanding, lane.Completed, lane.Failed));
    }
}
