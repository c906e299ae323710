using System.ComponentModel.DataAnnotations;

namespace Lepton.Compliance.Client.Audit;

/// <summary>Where events wait for the audit log, and where the log is (C4). Section <c>Audit</c>.</summary>
public sealed class AuditOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Audit";

    /// <summary>Required: a folder of this process's own on a disk that outlives it.</summary>
    [Required(AllowEmptyStrings = false, ErrorMessage = "the path of a folder of this process's own")]
    public string SpoolDirectory { get; set; } = "";

    /// <summary>
    /// The region's compliance services in the order in which they are asked, the own zone's first. At most 16. None:
    /// there is no log here, and the spool keeps its newest events.
    /// </summary>
    [MaxLength(16)]
    public IList<NodeOptions> Nodes { get; } = [];

    /// <summary>The process in events, at most 256 characters. Default: <c>OTEL_SERVICE_NAME</c>, else the service's
    /// name.</summary>
    [MaxLength(256, ErrorMessage = "at most 256 characters")]
    public string Process { get; set; } = "";

    /// <summary>
    /// The spool's size. Its last eighth is for who waits for its event. 64 KiB to 64 GiB, default 256 MiB.
    /// </summary>
    [Range(64L << 10, 64L << 30, ErrorMessage = "65536 to 68719476736 (64 KiB to 64 GiB)")]
    public long SpoolBytesMax { get; set; } = 256L << 20;

    /// <summary>A file of the spool. 4 KiB to 64 MiB, default 4 MiB.</summary>
    [Range(4L << 10, 64L << 20, ErrorMessage = "4096 to 67108864 (4 KiB to 64 MiB)")]
    public long SegmentBytesMax { get; set; } = 4L << 20;

    /// <summary>Events that wait for the disk; more are refused. 16 to 1,000,000, default 8,192.</summary>
    [Range(16, 1_000_000)]
    public int QueueMax { get; set; } = 8_192;

    /// <summary>
    /// Events of the door (who came, who was refused) a second; the rest are counted, and their number is an event
    /// itself. 1 to 100,000, default 200.
    /// </summary>
    [Range(1, 100_000)]
    public int DoorEventsMax { get; set; } = 200;

    /// <summary>How long one waits for its event to be on the disk. 100 ms to 1 min, default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "100 ms to 1 min")]
    public TimeSpan WriteTimeMax { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Events in one batch to the log. 1 to 1,000, default 500.</summary>
    [Range(1, 1_000)]
    public int BatchEventsMax { get; set; } = 500;

    /// <summary>How long the log may take for a batch. 100 ms to 1 min, default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "100 ms to 1 min")]
    public TimeSpan CallTimeMax { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Wait after all nodes failed once; it doubles. 1 ms to 10 s, default 100 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:00:10", ErrorMessage = "1 ms to 10 s")]
    public TimeSpan RetryFirst { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest of these waits. 10 ms to 5 min, default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.01", "00:05:00", ErrorMessage = "10 ms to 5 min")]
    public TimeSpan RetryMax { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>A node that failed is asked last for so long. 10 ms to 10 min, default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.01", "00:10:00", ErrorMessage = "10 ms to 10 min")]
    public TimeSpan FailedTime { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Events that wait for longer than this without an answer of the log turn health to degraded. 1 s to 1 day,
    /// default 1 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00", ErrorMessage = "1 s to 1 day")]
    public TimeSpan SilenceWarning { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>One compliance service.</summary>
    public sealed class NodeOptions
    {
        /// <summary>Where it is reached: <c>https://HOST:PORT</c>. Required.</summary>
        [Required(ErrorMessage = "where a compliance service is reached: https://HOST:PORT")]
        public string Url { get; set; } = "";

        /// <summary>The region that its certificate must name. Default: the own one.</summary>
        [RegularExpression("^([a-z][a-z0-9-]{1,30})?$", ErrorMessage = "the region of that service, e.g. eu-west")]
        public string Region { get; set; } = "";

        /// <summary>Its zone, for people.</summary>
        [RegularExpression("^[a-z0-9-]{0,31}$", ErrorMessage = "0 to 31 of a-z, 0-9 and '-', e.g. a")]
        public string Zone { get; set; } = "";
    }

    internal static IEnumerable<string> Faults(AuditOptions options)
    {
        for (int i = 0; i < options.Nodes.Count; i++)
            if (options.Nodes[i].Url.Length > 0 && (!Uri.TryCreate(options.Nodes[i].Url, UriKind.Absolute, out Uri? url)
                || url.Scheme != Uri.UriSchemeHttps || url.PathAndQuery != "/"))
                yield return $"{Section}:Nodes:{i}:Url takes https://HOST:PORT, not '{options.Nodes[i].Url}'.";
        if (options.SegmentBytesMax > options.SpoolBytesMax / 4)
            yield return $"{Section}:SegmentBytesMax takes at most a quarter of {Section}:SpoolBytesMax.";
        if (options.RetryMax < options.RetryFirst)
            yield return $"{Section}:RetryMax takes {Section}:RetryFirst or more.";
    }
}
