namespace Lepton.Routing.Draining;

/// <summary>Calls of the gateway under way, and when the last one came: what draining waits for.</summary>
internal sealed class CallCount(TimeProvider time)
{
    private int _active;
    private long _cameAt;
    private volatile bool _any;

    public int Active => Volatile.Read(ref _active);

    public void Enter()
    {
        Interlocked.Increment(ref _active);
        Volatile.Write(ref _cameAt, time.GetTimestamp());
        _any = true;
    }

    public void Leave() => Interlocked.Decrement(ref _active);

    /// <summary>No call is under way and none came for so long.</summary>
    public bool IsQuiet(TimeSpan since) =>
        Active == 0 && (!_any || time.GetElapsedTime(Volatile.Read(ref _cameAt)) >= since);
}
