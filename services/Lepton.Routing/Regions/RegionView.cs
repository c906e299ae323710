using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.V1;

namespace Lepton.Routing.Regions;

/// <summary>Another region in a snapshot.</summary>
internal sealed record RegionView(
    string Name, Uri Url, RegionSummary? Summary, DateTimeOffset ReceiveTime, double RoundTripSeconds, bool Live,
    bool Connected, IReadOnlyList<RegionModel> Models)
{
    /// <summary>What this router has learned of it from the ends of requests.</summary>
    public PlaceState Health { get; init; } = PlaceState.Well;
}

/// <summary>
/// One model version in another region; <paramref name="Foreign"/>: requests there that others sent.
/// </summary>
internal sealed record RegionModel(ModelSummary Summary, int Foreign, Lane Lane);
