using System.ComponentModel.DataAnnotations;

namespace Lepton.Compliance.Audit;

/// <summary>Where the other zones' and regions' compliance services are. Section <c>Compliance</c>.</summary>
internal sealed class PeerOptions
{
    public const string Section = "Compliance";

    /// <summary>Every service, this one may be among them; the same list everywhere. At most 1,024; none: there is
    /// no other.</summary>
    [MaxLength(1024)]
    public IList<Peer> Peers { get; } = [];

    /// <summary>What attributes cannot say.</summary>
    public static IEnumerable<string> Faults(PeerOptions options)
    {
        foreach (var (peer, i) in options.Peers.Select((p, i) => (p, i)))
            if (!Uri.TryCreate(peer.Url, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttps)
                yield return $"Compliance:Peers:{i}:Url takes https://HOST:PORT.";
        foreach (var twice in options.Peers.GroupBy(p => p.Name).Where(g => g.Count() > 1))
            yield return $"Compliance:Peers takes each region and zone once: {twice.Key} is there more often.";
    }

    /// <summary>One of them.</summary>
    internal sealed class Peer
    {
        /// <summary>As its Lepton:Region. Required.</summary>
        [Required, RegularExpression("^[a-z][a-z0-9-]{1,30}$", ErrorMessage = "a region's name")]
        public string Region { get; set; } = "";

        /// <summary>As its Lepton:Zone. Default <c>a</c>.</summary>
        [Required, RegularExpression("^[a-z0-9-]{1,31}$", ErrorMessage = "a zone's name")]
        public string Zone { get; set; } = "a";

        /// <summary>Where it is reached. Required.</summary>
        [Required(ErrorMessage = "https://HOST:PORT")]
        public string Url { get; set; } = "";

        /// <summary>REGION/ZONE.</summary>
        public string Name => $"{Region}/{Zone}";
    }
}
