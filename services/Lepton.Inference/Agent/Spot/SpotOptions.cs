using System.ComponentModel.DataAnnotations;

namespace Lepton.Inference.Agent.Spot;

/// <summary>A node on capacity that may be taken back (E3). Section <c>Inference:Spot</c>.</summary>
internal sealed class SpotOptions
{
    /// <summary>Who says that it is: none (this is no spot node), aws, azure, gcp, or file. Default none.</summary>
    [RegularExpression("none|aws|azure|gcp|file", ErrorMessage = "none, aws, azure, gcp or file")]
    public string Source { get; set; } = "none";

    /// <summary>Address of the metadata service. Default: the cloud's own.</summary>
    public string Url { get; set; } = "";

    /// <summary>For azure: this machine's name, where its events name several. Default: any event counts.</summary>
    public string Resource { get; set; } = "";

    /// <summary>For file: the node is taken back when this file is there. Required for file.</summary>
    public string File { get; set; } = "";

    /// <summary>How often it is asked. Default 5 s, as the clouds advise.</summary>
    [Range(100, 60_000)]
    public int PollMilliseconds { get; set; } = 5_000;

    /// <summary>What attributes cannot say.</summary>
    public static IEnumerable<string> Faults(SpotOptions options)
    {
        if (options.Url.Length > 0 && !(Uri.TryCreate(options.Url, UriKind.Absolute, out var url)
            && url.Scheme is "http" or "https"))
            yield return "Inference:Spot:Url takes an http or https address, or nothing.";
        if (options.Source == "file" && options.File.Length == 0)
            yield return "Inference:Spot:File takes the path of a file.";
    }
}
