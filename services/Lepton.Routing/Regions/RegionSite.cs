namespace Lepton.Routing.Regions;

/// <summary>A region of the topology and the ways into it: at least one router.</summary>
internal sealed record RegionSite(string Name, IReadOnlyList<RouterSite> Routers);

/// <summary>One router of the topology.</summary>
/// <param name="Region">Its region.</param>
/// <param name="Name">Its name, unique over all regions, e.g. <c>routing-eu-west-b</c>.</param>
/// <param name="Url">How other routers reach it.</param>
/// <param name="GatewayUrl">What clients are told.</param>
internal sealed record RouterSite(string Region, string Name, Uri Url, Uri GatewayUrl)
{
    /// <summary>The gateway's address as people and programs are told it.</summary>
    public string Gateway => GatewayUrl.GetLeftPart(UriPartial.Authority);
}
