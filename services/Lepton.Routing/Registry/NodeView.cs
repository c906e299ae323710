using Lepton.Routing.Health;
using Lepton.Routing.V1;

namespace Lepton.Routing.Registry;

/// <summary>
/// One node in a snapshot: its last report and the router's view of it. Immutable but for the lanes.
/// </summary>
internal sealed record NodeView(
    string Id, string Zone, Uri Url, NodeState State, NodeReport Report, DateTimeOffset ReportTime,
    double RoundTripSeconds, double LoadPercent, IReadOnlyList<ServedModel> Models)
{
    /// <summary>What this router has learned of it from the ends of requests.</summary>
    public PlaceState Health { get; init; } = PlaceState.Well;

    /// <summary>Takes work, gladly or as a last resort.</summary>
    public bool MayServe => State is NodeState.Serving or NodeState.Suspect;

    public int Outstanding => Models.Sum(m => m.Lane.Outstanding);
}
