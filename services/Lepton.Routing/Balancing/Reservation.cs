namespace Lepton.Routing.Balancing;

/// <summary>One booked request: whoever ends it first releases it, whoever comes later does nothing.</summary>
internal sealed class Reservation(Lane lane) : IDisposable
{
    private Lane? _lane = lane;

    /// <summary>Ends the request. <paramref name="failed"/>: the node, or the way to it, was at fault.</summary>
    public void End(bool failed) => Interlocked.Exchange(ref _lane, null)?.Release(failed);

    /// <summary>
    /// The end of a request that ended no other way, so that no path out of the gateway leaks a count.
    /// </summary>
    public void Dispose() => End(failed: true);
}
