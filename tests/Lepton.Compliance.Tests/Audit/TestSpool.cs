using System.Diagnostics.Metrics;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.V1;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Tests.Audit;

/// <summary>A spool without a host.</summary>
internal sealed class TestSpool : IDisposable
{
    private readonly TestMeters _meters = new();

    public TestSpool(AuditOptions options, Func<string, FileStream>? open = null, TimeProvider? time = null)
    {
        Files = new SpoolFiles(options.SpoolDirectory, options.SegmentBytesMax, open);
        Metrics = new AuditMetrics(_meters);
        Spool = new Spool(Files, Options.Create(options), Metrics, time ?? TimeProvider.System,
            NullLogger<Spool>.Instance);
        Log = new AuditLog(Spool, new AuditPlace("eu-west", "a", "routing", "routing-eu-west"),
            time ?? TimeProvider.System);
    }

    public SpoolFiles Files { get; }

    public Spool Spool { get; }

    public AuditMetrics Metrics { get; }

    public AuditLog Log { get; }

    public static AuditOptions WithLog(string directory, long bytesMax = 64 << 10) => new()
    {
        SpoolDirectory = directory, SpoolBytesMax = bytesMax, SegmentBytesMax = bytesMax / 4,
        Nodes = { new AuditOptions.NodeOptions { Url = "https://127.0.0.1:1" } },
    };

    public void Dispose()
    {
        Spool.Dispose();
        _meters.Dispose();
    }
}

internal sealed class TestMeters : IMeterFactory
{
    private readonly List<Meter> _made = [];

    public Meter Create(MeterOptions options)
    {
        Meter meter = new(options);
        _made.Add(meter);
        return meter;
    }

    public void Dispose() => _made.ForEach(m => m.Dispose());
}
