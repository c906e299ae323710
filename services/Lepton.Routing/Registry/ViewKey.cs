using Lepton.Compliance.Client;

namespace Lepton.Routing.Registry;

/// <summary>What makes two requests see the same candidates.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Version">Its version; empty: any, each node taking its latest.</param>
/// <param name="Allowed">The regions that may process the request.</param>
/// <param name="OwnOnly">It came from another region's router and may not leave again.</param>
internal readonly record struct ViewKey(string Model, string Version, RegionSet Allowed, bool OwnOnly);
