namespace Lepton.Routing.Scaling.Sizing;

/// <summary>
/// How much of one resource a node used over the last one to two halves of a window: a histogram by whole per cents, so
/// that a percentile is right within 1 point, in under a kilobyte. Not thread-safe.
/// </summary>
internal sealed class UseWindow(TimeSpan window, TimeProvider time)
{
    private const int Buckets = 101;

    private int[] _current = new int[Buckets], _previous = new int[Buckets];
    private long _turnedAt = time.GetTimestamp();

    /// <summary>Looks that are in it.</summary>
    public int Count { get; private set; }

    /// <param name="use">0 to 1.</param>
    public void Hear(double use)
    {
        if (time.GetElapsedTime(_turnedAt) >= window / 2)
        {
            (_previous, _current) = (_current, _previous);
            Array.Clear(_current);
            _turnedAt = time.GetTimestamp();
            Count = _previous.Sum();
        }
        _current[(int)Math.Ceiling(Math.Clamp(use, 0, 1) * 100)]++;
        Count++;
    }

    /// <summary>The use, 0 to 1, that this part of the looks did not pass.</summary>
    /// <param name="share">0 to 1.</param>
    public double Percentile(double share)
    {
        long seen = 0;
        for (int i = 0; i < Buckets; i++)
        {
            seen += _current[i] + _previous[i];
            if (seen > 0 && seen >= share * Count)
                return i / 100.0;
        }
        return 0;
    }
}
