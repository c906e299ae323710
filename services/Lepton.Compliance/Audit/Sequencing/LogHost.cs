using Lepton.Compliance.Audit.Checks;
using Lepton.Compliance.Audit.Copies;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Audit.Tree;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Lepton.Compliance.Audit.Sequencing;

/// <summary>
/// Opens the log and keeps it open: takes its lock, reads its end, takes back from copies what a lost database had,
/// verifies it, and only then lets batches in. What fails is tried again; a log that was touched stays closed.
/// </summary>
internal sealed partial class LogHost(
    LogWriter writer, Sequencer sequencer, HeadKeeper keeper, LogCheck check, LogRestore restore, Alarms alarms,
    AuditDatabase database, LogName log, TimeProvider time, ILogger<LogHost> logger) : BackgroundService, IHealthCheck
{
    private const int TailEntries = 5000;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500), DamagedPause = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var pause = Pause;
            try
            {
                if (await OpenAsync(stoppingToken))
                    await ServeAsync(stoppingToken);
                else
                    pause = DamagedPause;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (e is LogUnavailableException || AuditDatabase.IsUnavailable(e))
            {
                LogClosed(log.Value, e.Message);
                await writer.CloseAsync($"The audit log {log} cannot be opened: {e.Message}");
                await database.ForgetAsync();
            }
            catch (InvalidDataException e)
            {
                alarms.Raise(log.Value, "tree", e.Message);
                await writer.CloseAsync($"The audit log {log} is damaged: {e.Message}");
                pause = DamagedPause;
            }
            await Task.Delay(pause, time, CancellationToken.None).WaitAsync(stoppingToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        await writer.CloseAsync("The audit log stops.");
    }

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        writer.IsOpen ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(writer.WhyClosed));

    private async Task<bool> OpenAsync(CancellationToken cancellationToken)
    {
        await writer.ConnectAsync(cancellationToken);
        if (writer.Peaks.Size == 0)
            await restore.RunAsync(cancellationToken);
        if (!await check.OpeningAsync(TailEntries, cancellationToken))
        {
            await writer.CloseAsync($"The audit log {log} is damaged; what was found is in {alarms.File}.");
            return false;
        }
        writer.Open();
        LogOpened(log.Value, writer.Peaks.Size);
        return true;
    }

    private async Task ServeAsync(CancellationToken stoppingToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var signing = keeper.RunAsync(ending.Token);
        try
        {
            await sequencer.RunAsync(stoppingToken);
        }
        finally
        {
            await ending.CancelAsync();
            await signing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(LogLevel.Information, "The audit log {Log} is open at {Size} entries")]
    private partial void LogOpened(string log, long size);

    [LoggerMessage(LogLevel.Warning, "The audit log {Log} is closed and opened again: {Why}")]
    private partial void LogClosed(string log, string why);
}
