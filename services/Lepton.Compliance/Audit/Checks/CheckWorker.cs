using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.Audit.Storage;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Audit.Checks;

/// <summary>
/// Verifies what is stored, a slice at a time, round and round: entries, columns, tree. What is wrong is an alarm; the
/// log goes on, since what comes next is as provable as before.
/// </summary>
internal sealed partial class CheckWorker(
    LogWriter writer, LogCheck check, EntryReads entries, LogName log, IOptions<AuditOptions> options,
    TimeProvider time, ILogger<CheckWorker> logger) : BackgroundService
{
    private long _next = 1;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(options.Value.CheckInterval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await CheckAsync(stoppingToken);
            }
            catch (Exception e) when (e is LogUnavailableException or InvalidDataException)
            {
                LogNotChecked(e);
            }
        }
    }

    /// <summary>The next slice.</summary>
    internal async Task CheckAsync(CancellationToken cancellationToken)
    {
        // As it was before anything is read: what is written meanwhile is not missing.
        var size = writer.Peaks.Size;
        if (!writer.IsOpen || size == 0)
            return;
        _next = Math.Max(_next, await entries.FirstKeptAsync(log.Value, cancellationToken));
        var last = Math.Min(size, _next + options.Value.CheckEntries - 1);
        await check.SliceAsync(_next, last, cancellationToken);
        _next = last >= size ? 1 : last + 1;
    }

    [LoggerMessage(LogLevel.Warning, "A slice of the audit log could not be verified")]
    private partial void LogNotChecked(Exception e);
}
