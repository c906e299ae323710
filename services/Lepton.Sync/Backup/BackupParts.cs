using Lepton.ServiceDefaults;
using Lepton.Sync.Backup.Archive;
using Lepton.Sync.Backup.Base;
using Lepton.Sync.Backup.Restore;
using Lepton.Sync.Backup.Sealed;
using Lepton.Sync.Backup.Store;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Backup;

/// <summary>The backup's parts and how they are put together.</summary>
internal static class BackupParts
{
    /// <summary>The running node's part: archive, schedule, service. Needs the storage's options.</summary>
    public static IServiceCollection AddSyncBackup(this IServiceCollection services)
    {
        services.AddHealthChecks().AddCheck<BackupReady>("backup");
        return services.AddRestore()
            .AddSingleton<BackupMetrics>()
            .AddSingleton<LogArchiver>()
            .AddHostedService(provider => provider.GetRequiredService<LogArchiver>())
            .AddSingleton<BaseBackups>()
            .AddSingleton<BackupVerifier>()
            .AddSingleton<BackupJobs>()
            .AddSingleton<BackupRunner>()
            .AddHostedService(provider => provider.GetRequiredService<BackupRunner>());
    }

    /// <summary>What an offline restore needs.</summary>
    public static IServiceCollection AddRestore(this IServiceCollection services)
    {
        services.AddChecked<BackupOptions>(BackupOptions.Section, BackupOptions.Faults);
        return services
            .AddSingleton(provider => BackupPlace.Of(provider.GetRequiredService<IOptions<ServiceOptions>>()))
            .AddSingleton<IBackupStore>(provider => new DirectoryBackupStore(
                provider.GetRequiredService<IOptions<BackupOptions>>()))
            .AddSingleton<IBackupKey>(provider => new SecretFileBackupKey(
                provider.GetRequiredService<IOptions<BackupOptions>>()))
            .AddSingleton<LogArchive>()
            .AddSingleton<BackupCatalog>()
            .AddSingleton<BackupUnpacker>()
            .AddSingleton<Restorer>()
            .AddSingleton<FolderRestore>();
    }
}

/// <summary>
/// Never worse than degraded: a node whose backups are late must go on serving. Late: twice its interval.
/// </summary>
internal sealed class BackupReady(
    BackupRunner runner, LogArchiver archiver, IOptions<BackupOptions> options, TimeProvider time) : IHealthCheck
{
    private readonly DateTimeOffset _start = time.GetUtcNow();

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!options.Value.Enabled)
            return Task.FromResult(HealthCheckResult.Healthy("Backups are off."));
        var (status, now) = (runner.Status, time.GetUtcNow());
        List<string> faults = [];
        if ((status.Newest?.EndTime ?? _start) + (2 * options.Value.Interval) < now)
            faults.Add(status.Newest is { } newest
                ? $"The newest backup is of {newest.EndTime:u}."
                : "There is no backup.");
        if (status.LastFinding is { Good: false } finding)
            faults.Add($"The last verification failed: {finding.Message}");
        else if ((status.LastGood ?? _start) + (2 * options.Value.VerifyInterval) < now)
            faults.Add("No backup was verified for long.");
        if (status.Fault is { } fault)
            faults.Add(fault);
        if (archiver.State.Fault is { } stopped)
            faults.Add($"The log is not archived: {stopped.Message}");
        return Task.FromResult(faults.Count == 0
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded(string.Join(' ', faults)));
    }
}
