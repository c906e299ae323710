using System.ComponentModel.DataAnnotations;

namespace Lepton.Routing.Scaling.Providers;

/// <summary>Aspire's resource service. Section <c>Routing:Scaling:Aspire</c>.</summary>
internal sealed class AspireOptions
{
    /// <summary>Its address: https, or http on this machine alone. Required for provider aspire.</summary>
    public string Url { get; set; } = "";

    /// <summary>Path of a file with its API key. Required for provider aspire.</summary>
    public string KeyFile { get; set; } = "";

    /// <summary>Resources that may be started and stopped, by name, in the order of starting: a pool's standby nodes.
    /// Each is named as its node names itself. Required for provider aspire.</summary>
    public IList<StandbyOptions> Standby { get; set; } = [];

    public static IEnumerable<string> Faults(AspireOptions options)
    {
        const string Section = ScalingOptions.Section + ":Aspire";
        if (!Uri.TryCreate(options.Url, UriKind.Absolute, out Uri? url)
            || !(url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback)))
            yield return $"{Section}:Url takes an https address, or an http one of this machine.";
        if (options.KeyFile.Length == 0)
            yield return $"{Section}:KeyFile takes the path of a file with the resource service's key.";
        if (options.Standby.Count == 0 || options.Standby.DistinctBy(s => s.Resource).Count() != options.Standby.Count)
            yield return $"{Section}:Standby takes at least one entry, each resource once.";
    }

    /// <summary>A node that runs when it is asked for.</summary>
    internal sealed class StandbyOptions
    {
        /// <summary>The resource's name, which is the node's too. Required.</summary>
        [Required(ErrorMessage = "a resource's name, such as inference-eu-west-standby")]
        public string Resource { get; set; } = "";

        /// <summary>Its tier, core or edge. Default core.</summary>
        [RegularExpression("core|edge", ErrorMessage = "core or edge")]
        public string Tier { get; set; } = "core";
    }
}
