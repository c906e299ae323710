namespace Lepton.Inference.Execution;

/// <summary>Requests per second over the last ten seconds, in one-second buckets. Callers lock.</summary>
internal sealed class RequestRate(TimeProvider time)
{
    private const int Seconds = 10;
    private readonly int[] _counts = new int[Seconds];
    private readonly long _start = time.GetTimestamp();
    private long _second;

    public void Count()
    {
        Advance();
        _counts[_second % Seconds]++;
    }

    public double PerSecond()
    {
        Advance();
        var age = time.GetElapsedTime(_start).TotalSeconds;
        return _counts.Sum() / Math.Clamp(age, 1, Seconds);
    }

    private void Advance()
    {
        var now = (long)time.GetElapsedTime(_start).TotalSeconds;
        for (var second = Math.Max(_second + 1, now - Seconds + 1); second <= now; second++)
            _counts[second % Seconds] = 0;
        _second = Math.Max(_second, now);
    }
}
