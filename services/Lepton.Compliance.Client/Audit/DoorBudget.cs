namespace Lepton.Compliance.Client.Audit;

/// <summary>
/// So many events a second: whoever knocks a million times must not fill the log. What is beyond is counted, and its
/// number is told with the first event of a later second.
/// </summary>
internal sealed class DoorBudget(int perSecond, TimeProvider time)
{
    private readonly Lock _gate = new();
    private long _second;
    private int _used;
    private long _suppressed;

    /// <summary>May one more be told?</summary>
    /// <param name="suppressed">Those of former seconds that were not, told once; 0: none.</param>
    public bool TryTake(out long suppressed)
    {
        long second = time.GetUtcNow().ToUnixTimeSeconds();
        lock (_gate)
        {
            suppressed = 0;
            if (second != _second)
                (_second, _used, suppressed, _suppressed) = (second, 0, _suppressed, 0);
            if (++_used <= perSecond)
                return true;
            _suppressed++;
            return false;
        }
    }
}
