using Lepton.Sync.Backup.Archive;
using Lepton.Sync.Backup.Base;
using Lepton.Sync.Backup.Restore;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Backup;

/// <summary>What the node knows of its backups.</summary>
/// <param name="Newest">The newest complete one; null: none.</param>
/// <param name="LastGood">When one was last verified and good; null: never.</param>
/// <param name="LastFinding">What the newest verification found; null: none.</param>
/// <param name="Fault">Why the last try of anything failed; null: it did not.</param>
internal sealed record BackupStatus(
    BackupManifest? Newest, DateTimeOffset? LastGood, Verification? LastFinding, string? Fault);

/// <summary>
/// Makes, verifies and forgets backups, one thing at a time: on demand, and by the clock. After a failure it tries
/// again in ten minutes.
/// </summary>
internal sealed partial class BackupRunner(
    BackupJobs jobs, BaseBackups backups, BackupCatalog catalog, BackupVerifier verifier, LogArchiver archiver,
    LogArchive archive, BackupPlace place, BackupMetrics metrics, IOptions<BackupOptions> options, TimeProvider time,
    ILogger<BackupRunner> logger) : BackgroundService
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMinutes(10);

    // Room is made by one backup at a time: a store that stays full for another reason must not cost all of them.
    private const int RoomTriesMax = 2;

    private volatile BackupStatus _status = new(null, null, null, null);
    private readonly Dictionary<BackupJobKind, long> _failedAt = [];

    public BackupStatus Status => _status;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        WatchAges(); // they report nothing where there is nothing
        if (!options.Value.Enabled)
            return;
        try
        {
            while (true)
            {
                if (jobs.Next() is { } job)
                {
                    await RunAsync(job, stoppingToken);
                    continue;
                }
                await LookAsync(stoppingToken);
                if (jobs.Next() is null)
                    await Task.WhenAny(jobs.Asked, Task.Delay(LookInterval, time, stoppingToken));
                stoppingToken.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The end.
        }
    }

    /// <summary>Sees what there is, and asks for what is due.</summary>
    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            var kept = await catalog.ListAsync(place.Node, cancellationToken);
            var newest = kept.LastOrDefault(b => b.Manifest is not null);
            var findings = kept.Select(b => b.Verification).OfType<Verification>().OrderBy(v => v.Time).ToList();
            _status = _status with
            {
                Newest = newest?.Manifest, LastFinding = findings.LastOrDefault(),
                LastGood = findings.LastOrDefault(v => v.Good)?.Time,
            };
            if (archiver.State.Fault is { Fault: BackupFault.StoreFull })
                await catalog.ForgetOldestAsync(cancellationToken);
            if (IsRested(BackupJobKind.Create) && await NeedsBackupAsync(newest?.Manifest, cancellationToken))
                jobs.Ask(BackupJobKind.Create, backups.NewId(), Guid.Empty);
            else if (newest is not null && IsRested(BackupJobKind.Verify)
                && !(findings.LastOrDefault()?.Time > time.GetUtcNow() - options.Value.VerifyInterval))
                jobs.Ask(BackupJobKind.Verify, newest.Id, Guid.Empty);
        }
        catch (BackupException e)
        {
            Failed("look", e);
        }
    }

    internal async Task RunAsync(BackupJob job, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var operation = job.Kind == BackupJobKind.Create ? "create" : "verify";
        string? fault = null;
        try
        {
            if (job.Kind == BackupJobKind.Create)
                await CreateAsync(job.Id, cancellationToken);
            else
                await VerifyAsync(job.Id, cancellationToken);
            _status = _status with { Fault = null };
        }
        catch (BackupException e)
        {
            fault = e.Message;
            _failedAt[job.Kind] = time.GetTimestamp();
            Failed(operation, e);
        }
        metrics.Done(operation, time.GetElapsedTime(start), fault is null);
        jobs.End(job, fault);
    }

    private async Task CreateAsync(string id, CancellationToken cancellationToken)
    {
        using CancellationTokenSource patience = new(options.Value.CreateTimeMax, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            for (var tries = 1; ; tries++)
            {
                try
                {
                    var manifest = await backups.CreateAsync(id, both.Token);
                    LogCreated(id, manifest.Bytes);
                    break;
                }
                catch (BackupException e) when (e.Fault == BackupFault.StoreFull && tries <= RoomTriesMax)
                {
                    await catalog.DeleteAsync(id, both.Token);
                    if (!await catalog.ForgetOldestAsync(both.Token))
                        throw;
                }
            }
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BackupException(
                BackupFault.ServerUnavailable, "It took longer than Sync:Backup:CreateTimeMax allows.", e);
        }
        await catalog.ForgetAsync(TimeSpan.FromDays(options.Value.KeepDays), null, cancellationToken);
    }

    private async Task VerifyAsync(string id, CancellationToken cancellationToken)
    {
        var finding = await verifier.VerifyAsync(id, cancellationToken);
        if (!finding.Good)
            throw new BackupException(
                BackupFault.Damaged, $"The backup {id} did not stand its check: {finding.Message}");
        LogVerified(id, finding.Records, finding.Seconds);
    }

    /// <summary>There is none of this log, or it is old, or the log after it has a gap.</summary>
    private async Task<bool> NeedsBackupAsync(BackupManifest? newest, CancellationToken cancellationToken)
    {
        if (archiver.State is not { Line: { } line, SavedTo: var savedTo })
            return false; // it would wait for the archive
        if (newest is null || newest.EndTime + options.Value.Interval <= time.GetUtcNow()
            || newest.SystemId != line.Line.SystemId || newest.Timeline != line.Line.Timeline)
            return true;
        var pieces = await archive.PiecesAsync(line.Line.Prefix, cancellationToken);
        return LogArchive.FindGap(pieces, line.Line.SegmentOf(newest.StartPosition), savedTo) is not null;
    }

    private bool IsRested(BackupJobKind kind) =>
        !_failedAt.TryGetValue(kind, out var at) || time.GetElapsedTime(at) >= RetryInterval;

    private void WatchAges() => metrics.Watch(
        () => (time.GetUtcNow() - _status.Newest?.EndTime)?.TotalSeconds,
        () => (time.GetUtcNow() - _status.LastGood)?.TotalSeconds,
        () => archiver.State.CaughtUpAt is { } at ? time.GetElapsedTime(at).TotalSeconds : null,
        () => archiver.State is { Line: not null } state
            ? Math.Max(0, (double)state.ServerEnd.Value - state.SavedTo.Value)
            : null);

    private void Failed(string operation, BackupException e)
    {
        metrics.Failed(operation, e.Fault.ToString());
        _status = _status with { Fault = $"{operation}: {e.Message}" };
        LogFailed(operation, e.Message);
    }

    [LoggerMessage(LogLevel.Information, "Backup {Id} is complete: {Bytes} bytes.")]
    private partial void LogCreated(string id, long bytes);

    [LoggerMessage(LogLevel.Information, "Backup {Id} was restored and {Records} records read in {Seconds} s: good.")]
    private partial void LogVerified(string id, long records, double seconds);

    [LoggerMessage(LogLevel.Error, "Backup, {Operation}: {Why}")]
    private partial void LogFailed(string operation, string why);
}
