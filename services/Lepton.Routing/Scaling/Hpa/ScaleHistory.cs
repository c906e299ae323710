namespace Lepton.Routing.Scaling.Hpa;

/// <summary>Numbers with their times, of a bounded past.</summary>
/// <param name="keep">What is older is forgotten.</param>
internal sealed class ScaleHistory(TimeSpan keep, TimeProvider time)
{
    private readonly Queue<(long At, int Value)> _entries = new();

    public void Add(int value)
    {
        long now = time.GetTimestamp();
        while (_entries.TryPeek(out (long At, int) oldest) && time.GetElapsedTime(oldest.At, now) > keep)
            _entries.Dequeue();
        _entries.Enqueue((now, value));
    }

    /// <summary>What came within this time, older than <paramref name="window"/> not.</summary>
    public IEnumerable<int> Within(TimeSpan window)
    {
        long now = time.GetTimestamp();
        return _entries.Where(e => time.GetElapsedTime(e.At, now) < window).Select(e => e.Value);
    }
}
