using System.ComponentModel.DataAnnotations;

namespace Lepton.Routing.Admission;

/// <summary>How much may be under way, wait and be held. Section <c>Routing:Limits</c>.</summary>
internal sealed class LimitOptions
{
    /// <summary>What metadata of OVERLOADED and metrics call each limit: the option that bounds it.</summary>
    public const string Place = "Routing:Limits:PlaceMax",
        Router = "Routing:Limits:RouterMax",
        Line = "Routing:Limits:WaitCountMax",
        Bytes = "Routing:Limits:BufferedBytesMax";

    /// <summary>
    /// Requests of this router under way for one model at one place that are always allowed, whatever was learned.
    /// Default 1.
    /// </summary>
    [Range(1, 10_000)]
    public int PlaceMin { get; set; } = 1;

    /// <summary>The most of them, and what holds until something was learned. Default 10,000.</summary>
    [Range(1, 1_000_000)]
    public int PlaceMax { get; set; } = 10_000;

    /// <summary>
    /// How many times as long as without a queue an answer may take before fewer requests are sent there. Default 2.
    /// </summary>
    [Range(1.1, 20.0)]
    public double Tolerance { get; set; } = 2;

    /// <summary>
    /// The part of every limit that batch requests may use; the rest is kept for real-time ones. 0.05 to 1, 1: no
    /// reserve. Default 0.75.
    /// </summary>
    [Range(0.05, 1.0)]
    public double BatchShare { get; set; } = 0.75;

    /// <summary>
    /// How long a request waits, never beyond its deadline, for a place or for memory to come free: this long in a
    /// burst, a tenth of it while a line stands. 0: it does not wait. Default 1 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan WaitMax { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Requests that wait so at a time. 0: none. Default 1,000.</summary>
    [Range(0, 1_000_000)]
    public int WaitCountMax { get; set; } = 1000;

    /// <summary>The part of a limit that a class may use.</summary>
    public double ShareOf(Priority priority) => priority == Priority.Batch ? BatchShare : 1;
}
