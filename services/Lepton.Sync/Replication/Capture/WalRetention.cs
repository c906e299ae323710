using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Lepton.Sync.Replication.Capture;

/// <summary>
/// How much write-ahead log our slot holds back. From half of the cap on it is an alarm; beyond it the slot is dropped
/// rather than the disk filled: the server's own limit (max_slot_wal_keep_size) is not ours to set.
/// </summary>
internal sealed partial class WalRetention : IHealthCheck
{
    private readonly PgCaptureSlot _slot;
    private readonly ReplicationOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<WalRetention> _logger;
    private long _retained = -1;
    private bool _alarmed;

    public WalRetention(PgCaptureSlot slot, ReplicationOptions options, ReplicationMetrics metrics, TimeProvider time,
        ILogger<WalRetention> logger)
    {
        (_slot, _options, _time, _logger) = (slot, options, time, logger);
        metrics.WatchWal(() => Retained);
    }

    /// <summary>Bytes; null: not known.</summary>
    public long? Retained => Interlocked.Read(ref _retained) is >= 0 and var bytes ? bytes : null;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(_options.WalCheckInterval, _time);
        try
        {
            do
            {
                try
                {
                    await CheckAsync(cancellationToken);
                }
                catch (Exception e) when (e is NpgsqlException or InvalidOperationException or IOException)
                {
                    LogUnknown(e);
                }
            }
            while (await timer.WaitForNextTickAsync(cancellationToken));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    /// <summary>Looks once.</summary>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        var state = await _slot.ReadStateAsync(cancellationToken);
        var bytes = state?.Retained ?? 0;
        Interlocked.Exchange(ref _retained, bytes);
        var isAlarm = bytes > _options.WalBytesMax / 2;
        if (isAlarm && !_alarmed)
            LogAlarm(bytes, _options.WalBytesMax);
        _alarmed = isAlarm;
        if (bytes <= _options.WalBytesMax)
            return;
        LogDropped(bytes, _options.WalBytesMax);
        await _slot.DropAsync(cancellationToken);
    }

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        Retained > _options.WalBytesMax / 2
            ? HealthCheckResult.Degraded($"The replication slot holds back {Retained} bytes of write-ahead log; at "
                + $"{_options.WalBytesMax} (Sync:Replication:WalBytesMax) it is dropped.")
            : HealthCheckResult.Healthy());

    [LoggerMessage(LogLevel.Error,
        "The replication slot holds back {Bytes} bytes of write-ahead log; at {BytesMax} it is dropped")]
    private partial void LogAlarm(long bytes, long bytesMax);

    [LoggerMessage(LogLevel.Critical,
        "The replication slot held back {Bytes} bytes of write-ahead log, more than {BytesMax}: it is dropped")]
    private partial void LogDropped(long bytes, long bytesMax);

    [LoggerMessage(LogLevel.Warning, "How much write-ahead log the slot holds back is not known now")]
    private partial void LogUnknown(Exception e);
}
