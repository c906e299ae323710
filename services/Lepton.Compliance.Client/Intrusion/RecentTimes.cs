namespace Lepton.Compliance.Client.Intrusion;

/// <summary>The last times of something, no more than a rule looks at. Starts small: most are seen once.</summary>
internal sealed class RecentTimes(int max)
{
    private long[] _ticks = new long[Math.Min(max, 2)];
    private int _next;
    private int _count;
    private long _latest;

    /// <summary>Adds a time and says whether the last <c>max</c> of them lie within the window.</summary>
    public bool Add(DateTimeOffset time, TimeSpan window)
    {
        // Events of several processes may come in slightly wrong order: a window never goes backwards.
        _latest = Math.Max(_latest, time.UtcTicks);
        if (_count == _ticks.Length && _count < max)
            Grow();
        _ticks[_next] = _latest;
        _next = (_next + 1) % _ticks.Length;
        _count = Math.Min(_count + 1, _ticks.Length);
        // Full: what is overwritten next is the oldest of them.
        return _count == max && _latest - _ticks[_next] <= window.Ticks;
    }

    private void Grow()
    {
        long[] larger = new long[Math.Min(max, _count * 2)];
        for (int i = 0; i < _count; i++)
            larger[i] = _ticks[(_next + i) % _count];
        (_ticks, _next) = (larger, _count);
    }
}
