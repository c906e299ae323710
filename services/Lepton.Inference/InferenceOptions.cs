using System.ComponentModel.DataAnnotations;

namespace Lepton.Inference;

/// <summary>Section <c>Inference</c>. A wrong value stops the start and names the field.</summary>
internal sealed class InferenceOptions
{
    public const string Section = "Inference";

    private const string HttpsAddress = "an https address that this region's routers reach";

    /// <summary>This node's id, unique in its region: the resource's name, e.g. <c>inference-eu-west-a</c>.</summary>
    [Required, RegularExpression("^[a-z][a-z0-9-]{1,62}$",
        ErrorMessage = "2 to 63 of a-z, 0-9 and '-', a letter first, e.g. inference-eu-west-a")]
    public string Node { get; set; } = "";

    /// <summary><c>core</c> (GPU, stable load) or <c>edge</c> (CPU, bursts). Default edge.</summary>
    [Required, RegularExpression("^(core|edge)$", ErrorMessage = "core or edge")]
    public string Tier { get; set; } = "edge";

    /// <summary>Where this region's routers reach this node.</summary>
    [Required(ErrorMessage = HttpsAddress)]
    public string AdvertiseUrl { get; set; } = "";

    /// <summary>URLs of this region's routers; at most 16.</summary>
    [Required, MinLength(1), MaxLength(16, ErrorMessage = "1 to 16 https addresses of routers")]
    public string[] Routers { get; set; } = [];

    /// <summary>The model repository, in Triton's layout.</summary>
    [Required(ErrorMessage = "the path of a model repository")]
    public string ModelDirectory { get; set; } = "";

    /// <summary>For models that don't say: <c>auto</c> = CUDA when usable, else CPU. Default auto.</summary>
    [Required, RegularExpression("^(auto|cpu|cuda)$", ErrorMessage = "auto, cpu or cuda")]
    public string Provider { get; set; } = "auto";

    /// <summary>Instances of a model that doesn't say. Default 1, at most 64.</summary>
    [Range(1, 64)]
    public int InstanceCount { get; set; } = 1;

    /// <summary>
    /// ONNX Runtime threads of one execution. Default 1: more spin, and double the CPU of an item. 0: all cores.
    /// </summary>
    [Range(0, 256)]
    public int IntraOpThreads { get; set; } = 1;

    /// <summary>Requests that may wait for one model, beside those that run. Default 64.</summary>
    [Range(1, 100_000)]
    public int QueueMax { get; set; } = 64;

    /// <summary>
    /// Runs each model once on zeros when it is loaded, so that the first caller pays no set-up. Default true.
    /// </summary>
    public bool WarmUp { get; set; } = true;

    /// <summary>Bytes of one request message. Default 64 MiB.</summary>
    [Range(1024, 1 << 30)]
    public int RequestBytesMax { get; set; } = 64 << 20;

    /// <summary>Bytes of all outputs of one request. Default 63 MiB, what a gateway takes.</summary>
    [Range(1024L, (long)int.MaxValue)]
    public long OutputBytesMax { get; set; } = 63 << 20;

    /// <summary>Inputs of one request. Default 64.</summary>
    [Range(1, 1024)]
    public int InputCountMax { get; set; } = 64;

    /// <summary>Dimensions of one input. Default 8.</summary>
    [Range(1, 64)]
    public int DimensionCountMax { get; set; } = 8;

    /// <summary>Pixels of an image, checked before it is decoded. Default 40 million.</summary>
    [Range(1L, 1_000_000_000L)]
    public long ImagePixelsMax { get; set; } = 40_000_000;

    /// <summary>Text lines of one image. Default 1,000.</summary>
    [Range(1, 10_000)]
    public int ImageLinesMax { get; set; } = 1_000;

    /// <summary>Texts of one language-id request. Default 1,024.</summary>
    [Range(1, 100_000)]
    public int TextCountMax { get; set; } = 1_024;

    /// <summary>Requests under way in one ModelStreamInfer stream. Default 16.</summary>
    [Range(1, 1024)]
    public int StreamConcurrencyMax { get; set; } = 16;

    /// <summary>
    /// Seconds that work under way gets to finish when a model is unloaded or the node stops. Default 20.
    /// </summary>
    [Range(0, 3600)]
    public int DrainSeconds { get; set; } = 20;

    /// <summary>Load streams (OpenRcaService) open at once. Default 64.</summary>
    [Range(1, 10_000)]
    public int LoadStreamsMax { get; set; } = 64;

    /// <summary>The shortest interval of a load stream, milliseconds; a shorter wish gets it. Default 1,000: the age
    /// that a report may have.</summary>
    [Range(100, 60_000)]
    public int LoadIntervalMinMilliseconds { get; set; } = 1_000;

    /// <summary>The longest, at least the shortest; a longer wish gets it. Default 60,000.</summary>
    [Range(100, 3_600_000)]
    public int LoadIntervalMaxMilliseconds { get; set; } = 60_000;

    /// <summary>Milliseconds between reports to the routers. Default 1,000.</summary>
    [Range(50, 60_000)]
    public int ReportIntervalMilliseconds { get; set; } = 1_000;
}

/// <summary>What attributes cannot say.</summary>
internal static class InferenceRules
{
    public static IEnumerable<string> FaultsOf(InferenceOptions options)
    {
        // Empty is a fault that the attribute names.
        if (options.AdvertiseUrl.Length > 0 && !IsHttps(options.AdvertiseUrl))
            yield return $"Inference:AdvertiseUrl takes an https address, not '{options.AdvertiseUrl}'.";
        for (var i = 0; i < options.Routers.Length; i++)
            if (!IsHttps(options.Routers[i]))
                yield return $"Inference:Routers:{i} takes the https address of a router, not '{options.Routers[i]}'.";
        if (options.LoadIntervalMaxMilliseconds < options.LoadIntervalMinMilliseconds)
            yield return "Inference:LoadIntervalMaxMilliseconds takes at least Inference:LoadIntervalMinMilliseconds.";
    }

    private static bool IsHttps(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttps;
}
