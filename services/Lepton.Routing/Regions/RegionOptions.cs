using System.ComponentModel.DataAnnotations;
using Lepton.Routing.Regions;

namespace Lepton.Routing;

internal sealed partial class RoutingOptions
{
    /// <summary>
    /// A region of the topology: one router by <see cref="Url"/>, or one or more by <see cref="Routers"/>.
    /// </summary>
    internal sealed class RegionOptions
    {
        /// <summary>Its name.</summary>
        [Required(ErrorMessage = "a region's name")]
        public string Name { get; set; } = "";

        /// <summary>How this router reaches that region's only router.</summary>
        public Uri? Url { get; set; }

        /// <summary>What clients are told of it. Default: the same.</summary>
        public Uri? GatewayUrl { get; set; }

        /// <summary>The region's routers, when there are several (or one with a name of its own). At most 16.</summary>
        public IList<RouterOptions> Routers { get; set; } = [];

        public RegionSite ToSite() => new(Name, Routers.Count > 0
            ? [.. Routers.Select(r => new RouterSite(Name, r.Name, Known(r.Url), r.GatewayUrl ?? Known(r.Url)))]
            : [new RouterSite(Name, $"routing-{Name}", Known(Url), GatewayUrl ?? Known(Url))]);

        public void Check(string field, List<string> faults)
        {
            const int RoutersMax = 16; // as many as a node reports to
            if (Routers.Count > 0 && (Url ?? GatewayUrl) is not null)
                faults.Add($"{field} takes either Url and GatewayUrl or Routers, not both.");
            if (Routers.Count > RoutersMax)
                faults.Add($"{field}:Routers takes at most {RoutersMax} entries.");
            if (Routers.Count == 0)
                CheckUrls(field, Url, GatewayUrl, faults);
            for (int i = 0; i < Routers.Count; i++)
            {
                if (string.IsNullOrEmpty(Routers[i].Name))
                    faults.Add($"{field}:Routers:{i}:Name takes the router's name, unique over all regions.");
                CheckUrls($"{field}:Routers:{i}", Routers[i].Url, Routers[i].GatewayUrl, faults);
            }
        }

        private static void CheckUrls(string field, Uri? url, Uri? gateway, List<string> faults)
        {
            if (!IsHttps(url))
                faults.Add($"{field}:Url takes the https address of that region's router, not '{url}'.");
            if (gateway is not null && !IsHttps(gateway))
                faults.Add($"{field}:GatewayUrl takes an https address, not '{gateway}'.");
        }

        private static bool IsHttps(Uri? url) => url is { IsAbsoluteUri: true } && url.Scheme == Uri.UriSchemeHttps;

        // Validated at the start: what is missing here never gets this far.
        private static Uri Known(Uri? url) =>
            url ?? throw new InvalidOperationException("A router without an address passed validation.");
    }

    /// <summary>One of a region's routers.</summary>
    internal sealed class RouterOptions
    {
        /// <summary>Its name, unique over all regions. Required.</summary>
        public string Name { get; set; } = "";

        /// <summary>How other routers reach it. Required.</summary>
        public Uri? Url { get; set; }

        /// <summary>What clients are told. Default: the same.</summary>
        public Uri? GatewayUrl { get; set; }
    }
}
