using System.Runtime.InteropServices;
using Lepton.Routing.Health;

namespace Lepton.Routing.Balancing;

/// <summary>
/// What this router itself knows, live, of one model on one node (or in one other region): requests under way there
/// and the time one takes. Outlives snapshots; every field has cache lines of its own, since all requests write them.
/// </summary>
internal sealed class Lane
{
    // An EWMA over about the last 20 answers: quick enough to see a node turn slow, slow enough for its noise.
    private const double Gain = 0.1;

    private Live _live;

    [StructLayout(LayoutKind.Explicit, Size = 192)]
    private struct Live
    {
        [FieldOffset(64)] public int Outstanding;
        [FieldOffset(72)] public double ServiceSeconds;
        [FieldOffset(80)] public long LearnedAt;
        [FieldOffset(88)] public long Completed;
        [FieldOffset(96)] public long Failed;
        [FieldOffset(104)] public double PeakServiceSeconds;
    }

    /// <summary>Requests of this router under way there.</summary>
    public int Outstanding => Volatile.Read(ref _live.Outstanding);

    /// <summary>Learned service time in seconds; 0 before the first answer.</summary>
    public double ServiceSeconds => Volatile.Read(ref _live.ServiceSeconds);

    /// <summary>The same, but risen to a slower answer at once; 0 before the first answer.</summary>
    public double PeakServiceSeconds => Volatile.Read(ref _live.PeakServiceSeconds);

    public long Completed => Volatile.Read(ref _live.Completed);

    public long Failed => Volatile.Read(ref _live.Failed);

    /// <summary>
    /// Books one request if fewer than <paramref name="below"/> are under way. Looking and booking are one step: two
    /// requests never both take the last slot.
    /// </summary>
    public bool TryReserve(int below)
    {
        int seen = Outstanding;
        while (seen < below)
        {
            int found = Interlocked.CompareExchange(ref _live.Outstanding, seen + 1, seen);
            if (found == seen)
                return true;
            seen = found;
        }
        return false;
    }

    /// <summary>Ends one booked request. Exactly once each: <see cref="Reservation"/> sees to that.</summary>
    public void Release(Outcome outcome)
    {
        Interlocked.Decrement(ref _live.Outstanding);
        Interlocked.Increment(ref _live.Completed);
        if (outcome is Outcome.Failed or Outcome.Unreachable or Outcome.TimedOut)
            Interlocked.Increment(ref _live.Failed);
    }

    /// <summary>
    /// Takes one answered request's service time. Only good answers teach: a fast failure must not attract.
    /// </summary>
    public void Learn(double seconds, long timestamp)
    {
        // Two racing writers may lose one sample of an average: cheaper than a lock and as good.
        double old = ServiceSeconds, peak = PeakServiceSeconds;
        Volatile.Write(ref _live.ServiceSeconds, old == 0 ? seconds : old + (Gain * (seconds - old)));
        Volatile.Write(ref _live.PeakServiceSeconds, seconds > peak ? seconds : peak + (Gain * (seconds - peak)));
        Volatile.Write(ref _live.LearnedAt, timestamp);
    }

    /// <summary>
    /// Drops what was learned before <paramref name="before"/>: a node that was slow once and got no request since
    /// would otherwise be slow for ever.
    /// </summary>
    public void ForgetIfOlder(long before)
    {
        if (Volatile.Read(ref _live.LearnedAt) >= before)
            return;
        Volatile.Write(ref _live.ServiceSeconds, 0);
        Volatile.Write(ref _live.PeakServiceSeconds, 0);
    }
}
