using System.ComponentModel.DataAnnotations;

namespace Lepton.Sync.Client;

/// <summary>Which nodes of Sync are asked, and how patiently. Section <c>SyncClient</c>.</summary>
public sealed class SyncClientOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "SyncClient";

    /// <summary>
    /// In the order in which they are asked: the own zone's first. At most 64. None: there are no records here, and
    /// everything goes by its file.
    /// </summary>
    [MaxLength(64)]
    public IList<NodeOptions> Nodes { get; } = [];

    /// <summary>
    /// Where the last known control data is kept for the next start. Required where there are nodes; the process's own.
    /// </summary>
    public string SnapshotFile { get; set; } = "";

    /// <summary>Deadline of one call to one node. 100 ms to 30 s, default 3 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:00:30", ErrorMessage = "100 ms to 30 s")]
    public TimeSpan CallTimeMax { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Deadline of a read or write with all its repetitions. 100 ms to 5 min, default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:05:00", ErrorMessage = "100 ms to 5 min")]
    public TimeSpan TimeMax { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Wait before the second round over the nodes; it doubles. 1 ms to 10 s, default 100 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:00:10", ErrorMessage = "1 ms to 10 s")]
    public TimeSpan RetryFirst { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest wait between rounds. 10 ms to 1 min, default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.01", "00:01:00", ErrorMessage = "10 ms to 1 min")]
    public TimeSpan RetryMax { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Repetitions that may come at once, all calls together: one more each second, and one for five calls that go
    /// well. 1 to 1,000, default 20.
    /// </summary>
    [Range(1, 1000)]
    public int RetriesMax { get; set; } = 20;

    /// <summary>A node that failed is asked last for so long. 0 s to 1 min, default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00", ErrorMessage = "0 s to 1 min")]
    public TimeSpan FailedTime { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A watch that says nothing for so long is dead; a node says something every 5 s. 6 s to 5 min, default 15 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:06", "00:05:00", ErrorMessage = "6 s to 5 min")]
    public TimeSpan SilenceMax { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How often a node says how old its copy may be. 100 ms to 5 min, default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:05:00", ErrorMessage = "100 ms to 5 min")]
    public TimeSpan CheckInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Records under one prefix that is followed. 1 to 100,000, default 10,000.</summary>
    [Range(1, 100_000)]
    public int RecordsMax { get; set; } = 10_000;

    /// <summary>Control data that is older turns health to degraded. 1 s to 30 days, default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "30.00:00:00", ErrorMessage = "1 s to 30 days")]
    public TimeSpan AgeWarning { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Control data that is older is too old: who uses it decides what then is denied. 1 min to 365 days; none by
    /// default.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00", ErrorMessage = "1 min to 365 days, or nothing")]
    public TimeSpan? AgeMax { get; set; }

    /// <summary>One node.</summary>
    public sealed class NodeOptions
    {
        /// <summary>Where it is reached: <c>https://HOST:PORT</c>. Required.</summary>
        [Required(ErrorMessage = "where a node of Sync is reached: https://HOST:PORT")]
        public string Url { get; set; } = "";

        /// <summary>The region that its certificate must name. Default: the own one.</summary>
        [RegularExpression("^([a-z][a-z0-9-]{1,30})?$", ErrorMessage = "the region of that node, e.g. eu-west")]
        public string Region { get; set; } = "";
    }

    internal static IEnumerable<string> Faults(SyncClientOptions options)
    {
        for (var i = 0; i < options.Nodes.Count; i++)
            if (options.Nodes[i].Url.Length > 0 && (!Uri.TryCreate(options.Nodes[i].Url, UriKind.Absolute, out var url)
                || url.Scheme != Uri.UriSchemeHttps || url.PathAndQuery != "/"))
                yield return $"{Section}:Nodes:{i}:Url takes https://HOST:PORT, not '{options.Nodes[i].Url}'.";
        if (options.Nodes.Count > 0 && string.IsNullOrWhiteSpace(options.SnapshotFile))
            yield return $"{Section}:SnapshotFile takes the path of a file of this process's own.";
        if (options.RetryMax < options.RetryFirst)
            yield return $"{Section}:RetryMax takes {Section}:RetryFirst or more.";
    }
}
