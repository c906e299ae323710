using Lepton.Routing.Health;

namespace Lepton.Routing.Balancing;

/// <summary>One booked request: whoever ends it first releases it, whoever comes later does nothing.</summary>
/// <param name="lane">Where it is booked.</param>
/// <param name="trial">It is the trial of the lane's circuit.</param>
internal sealed class Reservation(Lane lane, bool trial = false) : IDisposable
{
    private Lane? _lane = lane;

    /// <summary>Ends the request with what that says of the place.</summary>
    public void End(Outcome outcome) => Interlocked.Exchange(ref _lane, null)?.Release(outcome, trial);

    /// <summary>
    /// The end of a request that ended no other way, so that no path out of the gateway leaks a count.
    /// </summary>
    public void Dispose() => End(Outcome.Unjudged);
}
