using System.ComponentModel.DataAnnotations;

namespace Lepton.Sync.Homes;

/// <summary>A request's way through a node. Section <c>Sync:Homes</c>.</summary>
internal sealed class HomeOptions
{
    public const string Section = "Sync:Homes";

    /// <summary>
    /// How long a home serves after the topology store or a replica last confirmed its place; a successor begins
    /// after as long. The same on every node. 2 s to 1 min, default 10 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:02", "00:01:00", ErrorMessage = "2 s to 1 min")]
    public TimeSpan LeaseTime { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often each other node is asked how it is. 100 ms to 5 s, default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:00:05", ErrorMessage = "100 ms to 5 s")]
    public TimeSpan AskInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Deadline of a call to another node that has none of its own. 100 ms to 30 s, default 3 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:00:30", ErrorMessage = "100 ms to 30 s")]
    public TimeSpan PeerTimeMax { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long a write waits for its level where the call's deadline is later or absent. 100 ms to 1 min, default
    /// 10 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "100 ms to 1 min")]
    public TimeSpan ConfirmTimeMax { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Records in the read cache. 0 (no cache) to 10,000,000, default 100,000.</summary>
    [Range(0, 10_000_000)]
    public int CacheEntriesMax { get; set; } = 100_000;

    /// <summary>Bytes of their values. 1 MiB to 16 GiB, default 64 MiB.</summary>
    [Range(1L << 20, 16L << 30, ErrorMessage = "1048576 (1 MiB) to 17179869184 (16 GiB)")]
    public long CacheBytesMax { get; set; } = 64L << 20;

    /// <summary>Watches open at once. 0 to 10,000, default 1,000.</summary>
    [Range(0, 10_000)]
    public int WatchesMax { get; set; } = 1000;
}
