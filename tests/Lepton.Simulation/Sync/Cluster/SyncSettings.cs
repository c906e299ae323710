using Lepton.Sync.Erasure;
using Lepton.Sync.Homes;
using Lepton.Sync.Placement;
using Lepton.Sync.Replication;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>The nodes' settings: quick where something is decided, so that more happens in a minute; slow where nothing
/// is but that all is well.</summary>
internal static class SyncSettings
{
    public static HomeOptions Homes { get; } = new()
    {
        LeaseTime = TimeSpan.FromSeconds(4),
        AskInterval = TimeSpan.FromSeconds(1.3),
        PeerTimeMax = TimeSpan.FromSeconds(1.5),
        ConfirmTimeMax = TimeSpan.FromSeconds(5),
        CacheEntriesMax = 100,
    };

    public static ReplicationOptions Replication { get; } = new()
    {
        SpoolDirectory = "simulated",
        SegmentBytesMax = 16 << 10,
        SpoolBytesMax = 256 << 10,
        SpoolMemoryBytesMax = 64 << 10,
        FrameRecordsMax = 4,
        FrameBytesMax = 2 << 10,
        ApplyRecordsMax = 8,
        FramesWaitingMax = 4,
        CopySlotsMax = 4096,
        CopyTimeMax = TimeSpan.FromSeconds(20),
        HeartbeatInterval = TimeSpan.FromSeconds(2.5),
        SilenceMax = TimeSpan.FromSeconds(7),
        IdleProgressInterval = TimeSpan.FromSeconds(5),
        RetryTimeMax = TimeSpan.FromSeconds(2),
    };

    public static StorageOptions Storage { get; } = new() { CommitConnections = 2, BatchWritesMax = 4 };

    public static ErasureOptions Erasure { get; } = new()
    {
        CallTimeMax = TimeSpan.FromSeconds(5),
        RegionTimeMax = TimeSpan.FromSeconds(2),
        RetryMax = TimeSpan.FromSeconds(5),
        SweepDelay = TimeSpan.FromSeconds(10),
    };

    public static KeyOptions Keys { get; } = new();

    public static SealingOptions Sealing { get; } = new() { Compression = CompressionChoice.None };

    public static TopologyOptions Topology { get; } = new()
    {
        Interval = TimeSpan.FromSeconds(1),
        TimeMax = TimeSpan.FromSeconds(2),
        StartTimeMax = TimeSpan.FromMinutes(10),
    };
}
