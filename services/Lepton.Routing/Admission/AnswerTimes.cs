namespace Lepton.Routing.Admission;

/// <summary>How many answers came and how long they took together. Any thread adds, one takes.</summary>
internal struct AnswerTimes
{
    private long _count;
    private long _ticks;

    public readonly long Count => _count;

    public readonly double MeanSeconds => _count == 0 ? 0 : _ticks / (double)TimeSpan.TicksPerSecond / _count;

    public void Add(double seconds)
    {
        Interlocked.Increment(ref _count);
        Interlocked.Add(ref _ticks, (long)(seconds * TimeSpan.TicksPerSecond));
    }

    /// <summary>What came since the last time. One answer's time may come without its count, or late.</summary>
    public AnswerTimes Take() => new()
    {
        _count = Interlocked.Exchange(ref _count, 0), _ticks = Interlocked.Exchange(ref _ticks, 0),
    };

    public readonly AnswerTimes With(in AnswerTimes more) => new()
    {
        _count = _count + more._count, _ticks = _ticks + more._ticks,
    };
}
