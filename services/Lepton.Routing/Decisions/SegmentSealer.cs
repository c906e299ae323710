using Lepton.Compliance.Client.Audit;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Decisions;

/// <summary>
/// Closed segments, one after the other: their root is noted beside them, told the audit log (R9, C4), and they are
/// compressed. What a crash or a full spool interrupts is done later.
/// </summary>
internal sealed partial class SegmentSealer(
    SegmentStore store, IAuditLog audit, IOptions<ServiceOptions> place, RoutingMetrics metrics, TimeProvider time,
    ILogger<SegmentSealer> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly string _principal = $"service/routing@{place.Value.Region}";
    private bool _failing;

    /// <summary>Seals what is closed now.</summary>
    internal async Task SealAsync(CancellationToken cancellationToken)
    {
        foreach (SegmentFile segment in store.Closed())
        {
            SegmentAnchor? anchor = SegmentAnchor.Read(segment);
            if (anchor is { Written: true } && !File.Exists(segment.PlainPath))
                continue;
            if (anchor is null || File.Exists(segment.PlainPath))
            {
                if (segment.Read() is not { } frames)
                    continue;
                if (anchor is null)
                {
                    anchor = SegmentAnchor.Of(frames, time.GetUtcNow());
                    anchor.Write(segment); // with the event's id: sent twice, it is written once
                }
                long before = segment.Bytes;
                segment.Pack(frames);
                metrics.SegmentBytes.Add(before, new KeyValuePair<string, object?>("lepton.form", "plain"));
                metrics.SegmentBytes.Add(segment.Bytes, new KeyValuePair<string, object?>("lepton.form", "packed"));
            }
            if (anchor.Written)
                continue;
            await audit.WriteAsync(anchor.ToEvent(segment.Name, _principal), cancellationToken);
            (anchor with { Written = true }).Write(segment);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(Interval, time);
        do
        {
            try
            {
                await SealAsync(stoppingToken);
                _failing = false;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
            {
                if (!_failing)
                    LogNotSealed(e);
                _failing = true;
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(LogLevel.Error, "Closed decision segments could not be sealed; tried again every 5 s")]
    private partial void LogNotSealed(Exception e);
}
