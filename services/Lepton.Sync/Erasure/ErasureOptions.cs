using System.ComponentModel.DataAnnotations;

namespace Lepton.Sync.Erasure;

/// <summary>How erasures are carried out. Section <c>Sync:Erasure</c>.</summary>
internal sealed class ErasureOptions
{
    public const string Section = "Sync:Erasure";

    /// <summary>Longest call to another node, in which it destroys. 1 s to 5 min, default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00", ErrorMessage = "1 s to 5 min")]
    public TimeSpan CallTimeMax { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an answer waits for the other zones of its region. 0 s to 1 min, default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00", ErrorMessage = "0 s to 1 min")]
    public TimeSpan RegionTimeMax { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long another node is asked for an erasure's standing. 100 ms to 30 s, default 3 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:00:30", ErrorMessage = "100 ms to 30 s")]
    public TimeSpan AskTimeMax { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>Wait after a node's first failure; doubled by each further one. 100 ms to 1 min, default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "100 ms to 1 min")]
    public TimeSpan RetryFirst { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait between two tries. 1 s to 1 h, default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00", ErrorMessage = "1 s to 1 h")]
    public TimeSpan RetryMax { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// After so long records that were being written while their key was destroyed are looked for once more: longer
    /// than any write takes. 1 s to 1 h, default 2 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00", ErrorMessage = "1 s to 1 h")]
    public TimeSpan SweepDelay { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>This node's orders that are not finished. 10 to 1,000,000, default 10,000.</summary>
    [Range(10, 1_000_000)]
    public int OpenMax { get; set; } = 10_000;

    /// <summary>How long the start waits for the database. 0 s to 10 min, default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00", ErrorMessage = "0 s to 10 min")]
    public TimeSpan StartTimeMax { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Exports at a time. 1 to 1,000, default 16.</summary>
    [Range(1, 1000)]
    public int ExportsMax { get; set; } = 16;

    /// <summary>What attributes cannot say.</summary>
    public static IEnumerable<string> Faults(ErasureOptions options)
    {
        if (options.RetryMax < options.RetryFirst)
            yield return "Sync:Erasure:RetryMax takes at least Sync:Erasure:RetryFirst.";
    }
}
