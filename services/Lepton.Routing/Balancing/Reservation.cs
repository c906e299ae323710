using Lepton.Routing.Health;

namespace Lepton.Routing.Balancing;

/// <summary>One booked request: whoever ends it first releases it, whoever comes later does nothing.</summary>
/// <param name="lane">Where it is booked.</param>
/// <param name="trial">It is the trial of the lane's circuit.</param>
/// <param name="freed">Hears of its end.</param>
internal sealed class Reservation(Lane lane, bool trial = false, Action<Lane>? freed = null) : IDisposable
{
    private Lane? _lane = lane;
    private bool _stream;

    /// <summary>It is for a stream. Said before anybody may end it.</summary>
    public void SetStream()
    {
        _stream = true;
        _lane?.CountStream(1);
    }

    /// <summary>Ends the request with what that says of the place.</summary>
    public void End(Outcome outcome)
    {
        if (Interlocked.Exchange(ref _lane, null) is not { } ended)
            return;
        if (_stream)
            ended.CountStream(-1);
        ended.Release(outcome, trial);
        freed?.Invoke(ended);
    }

    /// <summary>
    /// The end of a request that ended no other way, so that no path out of the gateway leaks a count.
    /// </summary>
    public void Dispose() => End(Outcome.Unjudged);
}
