using System.ComponentModel.DataAnnotations;

namespace Lepton.Compliance.Policies;

/// <summary>Residency policies. Section <c>Policies</c>.</summary>
internal sealed class PolicyOptions
{
    public const string Section = "Policies";

    /// <summary>
    /// How long a version must have been active in a pilot region before it may be active everywhere. 0 s to 90 days,
    /// default 0 s: it must have been, however shortly.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "90.00:00:00", ErrorMessage = "0 s to 90 days")]
    public TimeSpan PilotTimeMin { get; set; } = TimeSpan.Zero;

    /// <summary>
    /// The platform's regions, which is what <c>*</c> stands for, as routers have them: replays of open classes need
    /// it.
    /// At most 256; default: those that the installation's policy names.
    /// </summary>
    [MaxLength(256)]
    public IList<string> Regions { get; } = [];

    /// <summary>Versions that are kept, the oldest are never dropped: more are refused. 10 to 10,000, default
    /// 1,000.</summary>
    [Range(10, 10_000)]
    public int VersionsMax { get; set; } = 1000;

    /// <summary>Versions kept compiled, for decisions and replays. 1 to 100, default 8.</summary>
    [Range(1, 100)]
    public int CompiledMax { get; set; } = 8;
}
