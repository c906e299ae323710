using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.V1;

namespace Lepton.Routing.Regions;

/// <summary>One way into another region in a snapshot: one of its routers and what it last said.</summary>
/// <param name="Site">Where and who it is.</param>
/// <param name="Share">
/// The part of the region's capacity that stands behind this way: each router of a region reaches all of its nodes, so
/// two ways together count them once.
/// </param>
internal sealed record RegionView(
    RouterSite Site, RegionSummary? Summary, DateTimeOffset ReceiveTime, double RoundTripSeconds, bool Live,
    bool Connected, double Share, IReadOnlyList<RegionModel> Models)
{
    /// <summary>The region's name.</summary>
    public string Name => Site.Region;

    public bool Draining => Summary?.Draining == true;

    /// <summary>What this router has learned of it from the ends of requests.</summary>
    public PlaceState Health { get; init; } = PlaceState.Well;
}

/// <summary>
/// One model version in another region; <paramref name="Foreign"/>: requests there that others sent.
/// </summary>
internal sealed record RegionModel(ModelSummary Summary, int Foreign, Lane Lane);
