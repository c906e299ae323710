namespace Lepton.Routing.Balancing;

/// <summary>
/// The round robin's counter for one model: models that alternate must not each see half of the nodes.
/// </summary>
internal sealed class Turn
{
    private long _next = -1;

    public long Next() => Interlocked.Increment(ref _next);

    public long Peek() => Volatile.Read(ref _next) + 1;
}
