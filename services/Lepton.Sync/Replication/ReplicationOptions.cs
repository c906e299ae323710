using System.ComponentModel.DataAnnotations;

namespace Lepton.Sync.Replication;

/// <summary>
/// How changes go from node to node. Section <c>Sync:Replication</c>. A bad value stops the start with its name and
/// what it takes.
/// </summary>
internal sealed class ReplicationOptions
{
    public const string Section = "Sync:Replication";

    private const int SegmentsMin = 4;

    /// <summary>The replication slot's name, one a node: slots are the server's, not the database's. 1 to 63 of a-z,
    /// 0-9, '_'. Default <c>lepton_sync</c>.</summary>
    [RegularExpression("^[a-z0-9_]{1,63}$", ErrorMessage = "1 to 63 of a-z, 0-9 and '_'")]
    public string Slot { get; set; } = "lepton_sync";

    /// <summary>The publication's name. Default <c>lepton_sync</c>.</summary>
    [RegularExpression("^[a-z0-9_]{1,63}$", ErrorMessage = "1 to 63 of a-z, 0-9 and '_'")]
    public string Publication { get; set; } = "lepton_sync";

    /// <summary>
    /// How much write-ahead log the slot may hold back. From half of it on health is degraded; beyond it the slot is
    /// dropped, and every receiver copies. 16 MiB to 1 TiB, default 4 GiB.
    /// </summary>
    [Range(16L << 20, 1L << 40)]
    public long WalBytesMax { get; set; } = 4L << 30;

    /// <summary>How often that is looked at. 100 ms to 1 min, default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "100 ms to 1 min")]
    public TimeSpan WalCheckInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Where the spool's segments are. Required.</summary>
    [Required(ErrorMessage = "a folder of this node's own")]
    public string SpoolDirectory { get; set; } = "";

    /// <summary>All segments together. 64 KiB to 1 TiB and four segments at least, default 1 GiB.</summary>
    [Range(64L << 10, 1L << 40)]
    public long SpoolBytesMax { get; set; } = 1L << 30;

    /// <summary>One segment. 16 KiB to 256 MiB, default 16 MiB.</summary>
    [Range(16 << 10, 256 << 20)]
    public int SegmentBytesMax { get; set; } = 16 << 20;

    /// <summary>Newest entries that are kept in memory for live streams. 64 KiB to 1 GiB, default 32 MiB.</summary>
    [Range(64 << 10, 1 << 30)]
    public int SpoolMemoryBytesMax { get; set; } = 32 << 20;

    /// <summary>
    /// Pause between two flushes of the spool: nobody waits for them but the database, which keeps its log meanwhile.
    /// 0 s to 1 s, default 50 ms.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:01", ErrorMessage = "0 s to 1 s")]
    public TimeSpan SpoolFlushInterval { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Records of a frame. 1 to 10,000, default 1,000.</summary>
    [Range(1, 10_000)]
    public int FrameRecordsMax { get; set; } = 1000;

    /// <summary>Bytes of a frame; a single larger record is a frame alone. 1 KiB to 16 MiB, default 256 KiB.</summary>
    [Range(1 << 10, 16 << 20)]
    public int FrameBytesMax { get; set; } = 256 << 10;

    /// <summary>Sent to a receiver and not acknowledged by it. 64 KiB to 1 GiB, default 8 MiB.</summary>
    [Range(64 << 10, 1 << 30)]
    public int UnacknowledgedBytesMax { get; set; } = 8 << 20;

    /// <summary>Records that a receiver commits at once. 1 to 100,000, default 5,000.</summary>
    [Range(1, 100_000)]
    public int ApplyRecordsMax { get; set; } = 5000;

    /// <summary>Frames that a receiver holds before it commits them. 1 to 1,000, default 32.</summary>
    [Range(1, 1000)]
    public int FramesWaitingMax { get; set; } = 32;

    /// <summary>Slots that are asked for at once when copying. 1 to 4,096, default 1,024.</summary>
    [Range(1, 4096)]
    public int CopySlotsMax { get; set; } = 1024;

    /// <summary>Longest time for that. 1 s to 1 h, default 10 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00", ErrorMessage = "1 s to 1 h")]
    public TimeSpan CopyTimeMax { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How often a source marks its log and says how far it is. 50 ms to 1 s, default 500 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "00:00:01", ErrorMessage = "50 ms to 1 s")]
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>A stream that is silent for longer is opened anew. 2 s to 5 min, default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:02", "00:05:00", ErrorMessage = "2 s to 5 min")]
    public TimeSpan SilenceMax { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a receiver writes down that nothing came. 100 ms to 5 min, default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:05:00", ErrorMessage = "100 ms to 5 min")]
    public TimeSpan IdleProgressInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait before the next try after a fault; the first is a twentieth of it. 100 ms to 5 min,
    /// default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:05:00", ErrorMessage = "100 ms to 5 min")]
    public TimeSpan RetryTimeMax { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often a damaged record is asked for anew before it is put aside. 1 to 100, default 5.</summary>
    [Range(1, 100)]
    public int DamagedTriesMax { get; set; } = 5;

    /// <summary>Writes that wait to be confirmed. 1 to 1,000,000, default 20,000.</summary>
    [Range(1, 1_000_000)]
    public int WaitersMax { get; set; } = 20_000;

    /// <summary>Transactions whose place in the log is remembered. 1,000 to 10,000,000, default 100,000.</summary>
    [Range(1000, 10_000_000)]
    public int TransactionsMax { get; set; } = 100_000;

    /// <summary>What attributes cannot say.</summary>
    public static IEnumerable<string> Faults(ReplicationOptions options)
    {
        if (options.SpoolBytesMax < (long)SegmentsMin * options.SegmentBytesMax)
            yield return "Sync:Replication:SpoolBytesMax takes at least four times Sync:Replication:SegmentBytesMax.";
    }
}
