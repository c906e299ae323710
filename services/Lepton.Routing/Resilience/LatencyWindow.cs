namespace Lepton.Routing.Resilience;

/// <summary>
/// How long one model's answers took over the last 15 to 30 s: a histogram with eight buckets to every doubling, so
/// that a percentile is right within 13 % from a microsecond to an hour, in two kilobytes and without a sort.
/// </summary>
internal sealed class LatencyWindow(double percentile, int samplesMin, TimeProvider time)
{
    private const int Buckets = 256;
    private const int MantissaBits = 3;
    private const int Shift = 52 - MantissaBits;
    private const long First = (1023L - 20) << MantissaBits; // of 2^-20 s, about a microsecond

    private readonly Lock _lock = new();
    private readonly long _turnTicks = 15 * time.TimestampFrequency;
    private readonly long _sumTicks = time.TimestampFrequency / 4;
    private int[] _current = new int[Buckets];
    private int[] _previous = new int[Buckets];
    private long _turnedAt = time.GetTimestamp();
    private long _summedAt = long.MinValue / 2;
    private double _slow;
    private double _fastest;

    /// <summary>The percentile in seconds; 0 when too few answers came lately to tell.</summary>
    public double SlowSeconds => IsFresh() ? Volatile.Read(ref _slow) : 0;

    /// <summary>What no answer was quicker than, in seconds; 0 when too few came lately to tell.</summary>
    public double FastestSeconds => IsFresh() ? Volatile.Read(ref _fastest) : 0;

    /// <summary>An answer came after so many seconds.</summary>
    public void Record(double seconds)
    {
        long now = time.GetTimestamp();
        if (now - Volatile.Read(ref _turnedAt) >= _turnTicks)
            Turn(now);
        Interlocked.Increment(ref Volatile.Read(ref _current)[IndexOf(seconds)]);
        if (now - Volatile.Read(ref _summedAt) >= _sumTicks)
            Sum(now);
    }

    private bool IsFresh() => time.GetTimestamp() - Volatile.Read(ref _summedAt) < 2 * _turnTicks;

    private void Turn(long now)
    {
        lock (_lock)
        {
            if (now - _turnedAt < _turnTicks)
                return;
            bool silent = now - _turnedAt >= 2 * _turnTicks; // then the newer half is too old as well
            (_previous, int[] older) = (_current, _previous);
            Array.Clear(older);
            if (silent)
                Array.Clear(_previous);
            Volatile.Write(ref _current, older);
            Volatile.Write(ref _turnedAt, now);
        }
    }

    // Every quarter of a second, by whoever comes then: a percentile a request would cost more than the pick.
    private void Sum(long now)
    {
        lock (_lock)
        {
            if (now - _summedAt < _sumTicks)
                return;
            long total = 0;
            for (int i = 0; i < Buckets; i++)
                total += _current[i] + _previous[i];
            (_slow, _fastest) = total < samplesMin ? (0, 0)
                : (EdgeOf(IndexAt(percentile * total) + 1), EdgeOf(IndexAt(0)));
            Volatile.Write(ref _summedAt, now);
        }
    }

    private int IndexAt(double rank)
    {
        long seen = 0;
        for (int i = 0; i < Buckets; i++)
        {
            seen += _current[i] + _previous[i];
            if (seen > 0 && seen >= rank)
                return i;
        }
        return Buckets - 1;
    }

    // The exponent and the first three bits of the fraction, as they lie in a double, are the bucket.
    private static int IndexOf(double seconds) =>
        (int)Math.Clamp((BitConverter.DoubleToInt64Bits(seconds) >> Shift) - First, 0, Buckets - 1);

    private static double EdgeOf(int index) => BitConverter.Int64BitsToDouble((index + First) << Shift);
}
