using System.Globalization;
using Lepton.Sync.Backup.Archive;
using Lepton.Sync.Backup.Base;
using Lepton.Sync.Backup.Wire;
using Lepton.Sync.Records;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Backup.Restore;

/// <summary>What to restore.</summary>
/// <param name="Node">Whose; of this region.</param>
/// <param name="BackupId">Null: the newest that ended before <paramref name="Time"/>.</param>
/// <param name="Time">Commits up to then, by the server's clock; null: all that is archived.</param>
internal sealed record RestorePoint(string Node, string? BackupId, DateTimeOffset? Time);

/// <summary>A restored server that answers.</summary>
/// <param name="Manifest">Of which backup.</param>
/// <param name="Server">Running; whoever has it ends it.</param>
/// <param name="Timeline">A new one: nobody takes its log for a continuation.</param>
/// <param name="RecoveredTo">The end of what was recovered.</param>
/// <param name="ArchiveEnd">The end of the archived log.</param>
/// <param name="ArchiveTime">When that was.</param>
internal sealed record Restored(
    BackupManifest Manifest, RecoveryServer Server, uint Timeline, LogPosition RecoveredTo, LogPosition ArchiveEnd,
    DateTimeOffset ArchiveTime);

/// <summary>Restores a backup and its log into a new data folder, and recovers it.</summary>
internal sealed class Restorer(
    BackupCatalog catalog, LogArchive archive, BackupUnpacker unpacker, IOptions<BackupOptions> options,
    TimeProvider time)
{
    // A margin for what recovery itself writes.
    private const long SpareBytes = 64 << 20;

    /// <summary>Returns with the server running over <paramref name="folder"/>, promoted to a new timeline.</summary>
    /// <exception cref="BackupException">Not restored; what is in the folder is of no use.</exception>
    public async Task<Restored> RestoreAsync(RestorePoint point, string folder, CancellationToken cancellationToken)
    {
        using CancellationTokenSource patience = new(options.Value.RestoreTimeMax, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            return await RestoreWithinAsync(point, folder, both.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BackupException(
                BackupFault.RestoreFailed, "It took longer than Sync:Backup:RestoreTimeMax allows.", e);
        }
    }

    private async Task<Restored> RestoreWithinAsync(
        RestorePoint point, string folder, CancellationToken cancellationToken)
    {
        var (manifest, key) = await ChooseAsync(point, cancellationToken);
        var tools = options.Value.ToolsDirectory;
        var major = await PostgresProgram.MajorOfAsync(tools, cancellationToken);
        if (major != manifest.ServerMajor)
            throw new BackupException(
                BackupFault.Invalid, $"The backup is of PostgreSQL {manifest.ServerMajor}; Sync:Backup:ToolsDirectory "
                + $"has {major}.");
        var line = await archive.OpenAsync(point.Node, manifest.SystemId, manifest.Timeline, cancellationToken);
        var pieces = await UsableAsync(line, manifest, point.Time, cancellationToken);
        CheckRoom(folder, manifest.PlainBytes + (long)(pieces[^1].End.Value - manifest.Start));

        await unpacker.UnpackAsync(manifest, key, folder, cancellationToken);
        await unpacker.UnpackLogAsync(line, pieces, manifest, folder, cancellationToken);
        await WriteSettingsAsync(folder, cancellationToken);
        var program = await PostgresProgram.DetectAsync(cancellationToken);
        await program.HandOverAsync([folder], cancellationToken);
        var server = await RecoverAsync(program, folder, point.Time, cancellationToken);
        try
        {
            var (timeline, recovered) = await ReadHistoryAsync(folder, manifest.Timeline, cancellationToken);
            return recovered < manifest.EndPosition
                ? throw new BackupException(
                    BackupFault.RestoreFailed, $"The restored server came to {PositionText.Of(recovered)}, before the "
                    + $"backup's end at {PositionText.Of(manifest.EndPosition)}.")
                : new Restored(manifest, server, timeline, recovered, pieces[^1].End, pieces[^1].Time);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private async Task<(BackupManifest Manifest, ReadOnlyMemory<byte> Key)> ChooseAsync(
        RestorePoint point, CancellationToken cancellationToken)
    {
        if (point.BackupId is { } id)
        {
            var chosen = await catalog.GetAsync(point.Node, id, cancellationToken);
            if (chosen.Manifest is not { } of)
                throw new BackupException(BackupFault.Damaged, chosen.Fault ?? $"The backup {id} is not complete.");
            return point.Time < of.EndTime
                ? throw new BackupException(
                    BackupFault.NotFound,
                    $"The backup {id} restores to {of.EndTime:O} or later, not to {point.Time:O}.")
                : (of, chosen.Key);
        }
        var all = await catalog.ListAsync(point.Node, cancellationToken);
        var best = all.LastOrDefault(b => b.Manifest is { } m && (point.Time is not { } wanted || m.EndTime <= wanted));
        if (best?.Manifest is { } manifest)
            return (manifest, best.Key);
        if (all.FirstOrDefault(b => b.Manifest is not null)?.Manifest is { } earliest)
            throw new BackupException(
                BackupFault.NotFound, $"The earliest time that can be restored is {earliest.EndTime:O}.");
        throw all.FirstOrDefault(b => b.Fault is not null) is { Fault: { } fault }
            ? new BackupException(BackupFault.Damaged, $"There is no backup of {point.Node} that can be used: {fault}")
            : new BackupException(BackupFault.NotFound, $"There is no complete backup of {point.Node}.");
    }

    /// <summary>The pieces up to what is wanted, without a gap.</summary>
    private async Task<IReadOnlyList<LogPiece>> UsableAsync(
        OpenLine line, BackupManifest manifest, DateTimeOffset? wanted, CancellationToken cancellationToken)
    {
        var first = line.Line.SegmentOf(manifest.StartPosition);
        List<LogPiece> pieces =
            [.. (await archive.PiecesAsync(line.Line.Prefix, cancellationToken)).Where(p => p.End > first)];
        if (pieces is not [.., var last])
            throw new BackupException(BackupFault.LogGap, "None of the log that the backup needs is archived.");
        var end = last.End > manifest.EndPosition ? last.End : manifest.EndPosition;
        if (LogArchive.FindGap(pieces, first, end) is not { } gap)
            return pieces;
        // Before the gap everything is there: enough, if it lies after what is wanted.
        List<LogPiece> before = [.. pieces.Where(p => p.End <= gap.From)];
        if (gap.From >= manifest.EndPosition && before is [.., var lastBefore] && wanted is { } time
            && lastBefore.Time > time)
            return before;
        throw new BackupException(
            BackupFault.LogGap, $"The archived log has a gap from {PositionText.Of(gap.From)} to "
            + $"{PositionText.Of(gap.To)}" + (gap.From >= manifest.EndPosition && before.Count > 0
                ? $": from {manifest.EndTime:O} on, what can be restored ends before {before[^1].Time:O}."
                : ": the backup cannot be restored."));
    }

    private async Task<RecoveryServer> RecoverAsync(
        PostgresProgram program, string folder, DateTimeOffset? wanted, CancellationToken cancellationToken)
    {
        Dictionary<string, string> target = new()
        {
            ["recovery_target_timeline"] = "current", ["recovery_target_action"] = "promote",
        };
        if (wanted is { } time1)
            target["recovery_target_time"] = time1.UtcDateTime.ToString(
                "yyyy-MM-dd HH:mm:ss.ffffff'+00'", CultureInfo.InvariantCulture);
        var tools = options.Value.ToolsDirectory;
        try
        {
            return await RecoveryServer.StartAsync(program, tools, folder, target, time, cancellationToken);
        }
        catch (BackupException e) when (e.Message.Contains(RecoveryServer.TargetMissed, StringComparison.Ordinal)
            && target.Remove("recovery_target_time"))
        {
            // No commit after the wanted time is archived: all of them are before it.
            return await RecoveryServer.StartAsync(program, tools, folder, target, time, cancellationToken);
        }
    }

    private static void CheckRoom(string folder, long bytes)
    {
        var parent = Path.GetDirectoryName(Path.GetFullPath(folder)) ?? "/";
        var free = new DriveInfo(parent).AvailableFreeSpace;
        if (free < bytes + SpareBytes)
            throw new BackupException(
                BackupFault.StoreFull,
                $"{parent} has {free} bytes left; the restored server takes {bytes + SpareBytes}.");
    }

    // An operator's server may keep its settings elsewhere than in its data folder.
    private static async Task WriteSettingsAsync(string folder, CancellationToken cancellationToken)
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "recovery.signal"), "", cancellationToken);
        File.Delete(Path.Combine(folder, "standby.signal"));
        foreach (var (name, text) in new[]
        {
            ("postgresql.conf", ""), ("pg_ident.conf", ""),
            ("pg_hba.conf", "local all all scram-sha-256\nlocal replication all scram-sha-256\n"),
        })
            if (!File.Exists(Path.Combine(folder, name)))
                await File.WriteAllTextAsync(Path.Combine(folder, name), text, cancellationToken);
    }

    // The history file of the new timeline says where it left the old: "1<tab>0/5000148<tab>reason".
    private static async Task<(uint Timeline, LogPosition RecoveredTo)> ReadHistoryAsync(
        string folder, uint old, CancellationToken cancellationToken)
    {
        var newest = Directory.EnumerateFiles(Path.Combine(folder, "pg_wal"), "*.history")
            .Select(Path.GetFileNameWithoutExtension).Max(StringComparer.Ordinal);
        if (newest is null || !uint.TryParse(
                newest, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var timeline)
            || timeline <= old)
            throw new BackupException(BackupFault.RestoreFailed, "The restored server began no new timeline.");
        var lines = await File.ReadAllLinesAsync(
            Path.Combine(folder, "pg_wal", newest + ".history"), cancellationToken);
        var last = lines.Last(line => line.Length > 0 && char.IsAsciiDigit(line[0])).Split('\t');
        return (timeline, PositionText.Parse(last[1]));
    }
}
