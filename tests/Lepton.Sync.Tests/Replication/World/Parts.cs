using System.Diagnostics.Metrics;
using Lepton.Sync.Replication;

namespace Lepton.Sync.Tests.Replication.World;

/// <summary>What logic is given in tests that build no whole node.</summary>
internal static class Parts
{
    public static ReplicationMetrics Metrics() => new(new Meters());

    public static ReplicationOptions Options() => new()
    {
        SpoolDirectory = "unused",
        SegmentBytesMax = 16 << 10,
        SpoolBytesMax = 256 << 10,
        SpoolMemoryBytesMax = 64 << 10,
        RetryTimeMax = TimeSpan.FromMilliseconds(200),
        HeartbeatInterval = TimeSpan.FromMilliseconds(100),
        IdleProgressInterval = TimeSpan.FromMilliseconds(200),
        CopySlotsMax = 1024,
    };

    private sealed class Meters : IMeterFactory
    {
        public Meter Create(MeterOptions options) => new(options);

        public void Dispose()
        {
        }
    }
}
