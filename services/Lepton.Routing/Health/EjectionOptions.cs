using System.ComponentModel.DataAnnotations;

namespace Lepton.Routing.Health;

/// <summary>When a place that answers badly leaves the candidates, and for how long. Routing:Ejection.</summary>
internal sealed class EjectionOptions
{
    /// <summary>
    /// Failures in a row that eject a place: of connections, or over two models or more. Default 5.
    /// </summary>
    [Range(1, 1000)]
    public int ConsecutiveFailures { get; set; } = 5;

    /// <summary>How far back success rates and latencies are looked at. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Window { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Judged requests in the window that a place needs to be compared. Default 20.</summary>
    [Range(1, 1_000_000)]
    public int RequestsMin { get; set; } = 20;

    /// <summary>
    /// Comparable places that a mean and a deviation take; with fewer, FailurePercent decides. Default 5.
    /// </summary>
    [Range(3, 10_000)]
    public int HostsMin { get; set; } = 5;

    /// <summary>Standard deviations below the mean success rate at which a place is ejected. Default 1.9.</summary>
    [Range(0.1, 10.0)]
    public double SuccessRateDeviations { get; set; } = 1.9;

    /// <summary>
    /// Percentage points that it must be below the mean as well: places that hardly differ are all well. Default 5.
    /// </summary>
    [Range(0.0, 100.0, ErrorMessage = "0 to 100 percentage points")]
    public double SuccessRateGapMin { get; set; } = 5;

    /// <summary>Failed requests in percent that eject where places are too few to compare. Default 50.</summary>
    [Range(1.0, 100.0, ErrorMessage = "1 to 100 percent")]
    public double FailurePercent { get; set; } = 50;

    /// <summary>
    /// Multiple of the median service time of the same model on the same provider that ejects, from three places on.
    /// Default 5.
    /// </summary>
    [Range(1.5, 1000.0)]
    public double LatencyFactor { get; set; } = 5;

    /// <summary>Length of a first ejection; each further one is twice as long as the last. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan TimeMin { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest ejection. Default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "1.00:00:00")]
    public TimeSpan TimeMax { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Allowed candidates in percent that may be left out as ejected; of two or more always one may. Default 50.
    /// </summary>
    [Range(0, 100, ErrorMessage = "0 to 100 percent")]
    public int ShareMax { get; set; } = 50;

    /// <summary>
    /// With fewer healthy ones among the allowed candidates than this, in percent, ejections and circuits are ignored.
    /// Default 30; 0: never.
    /// </summary>
    [Range(0, 100, ErrorMessage = "0 to 100 percent")]
    public int PanicThreshold { get; set; } = 30;
}
