using System.Runtime.InteropServices;
using Lepton.Routing.Balancing;

namespace Lepton.Routing.Resilience;

/// <summary>Places that one request is not sent to again, or rather not, and why.</summary>
internal sealed class PassedOver
{
    /// <summary>Of a request that was nowhere yet. Never added to.</summary>
    public static readonly PassedOver Nobody = new();

    private readonly List<Lane> _lanes = [];
    private readonly List<Exclusion> _reasons = [];

    public int Count => _lanes.Count;

    /// <summary>Good until the next <see cref="Add"/>.</summary>
    public ReadOnlySpan<Lane> Lanes => CollectionsMarshal.AsSpan(_lanes);

    public void Add(Lane lane, Exclusion reason)
    {
        if (_lanes.Contains(lane))
            return;
        _lanes.Add(lane);
        _reasons.Add(reason);
    }

    /// <summary>Why that place was passed over; None when it was not.</summary>
    public Exclusion ReasonOf(Lane lane) => _lanes.IndexOf(lane) is >= 0 and var index ? _reasons[index]
        : Exclusion.None;

    public PassedOver Copy()
    {
        PassedOver copy = new();
        copy._lanes.AddRange(_lanes);
        copy._reasons.AddRange(_reasons);
        return copy;
    }
}
