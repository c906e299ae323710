using Lepton.Sync.Backup.Base;
using Lepton.Sync.Backup.Wire;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Sync.Backup.Restore;

/// <summary>
/// Finds out whether a backup would do: restores it with all of its log into a temporary folder, starts a real server
/// there, and reads every record against its digest.
/// </summary>
internal sealed class BackupVerifier(
    Restorer restorer, BackupCatalog catalog, BackupPlace place, IOptions<BackupOptions> options, TimeProvider time)
{
    private const string FolderPrefix = "lepton-verify-";

    /// <summary>The log may end in the middle of a record, which is not recovered: 1 MiB here.</summary>
    private const ulong RecordBytesMax = 1 << 20;

    /// <summary>The finding, which is kept beside the backup.</summary>
    /// <exception cref="BackupException">It could not be found out: not the backup's fault.</exception>
    public async Task<Verification> VerifyAsync(string id, CancellationToken cancellationToken)
    {
        var backup = await catalog.GetAsync(place.Node, id, cancellationToken);
        if (backup.Manifest is not { } manifest)
            throw new BackupException(BackupFault.Damaged, backup.Fault ?? $"The backup {id} is not complete.");
        var folder = Path.Combine(WorkDirectory(), FolderPrefix + id);
        var start = time.GetTimestamp();
        Finding finding;
        try
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true); // of an earlier process
            finding = await FindAsync(id, folder, cancellationToken);
        }
        catch (BackupException e) when (e.Fault is BackupFault.Damaged or BackupFault.LogGap
            or BackupFault.RestoreFailed or BackupFault.WrongRegion or BackupFault.NotFound)
        {
            finding = new Finding(e.Message, 0, 0, default);
        }
        catch (NpgsqlException e)
        {
            finding = new Finding($"The restored database cannot be read: {e.Message}", 0, 0, default);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BackupException(BackupFault.StoreUnavailable, $"{folder} cannot be used: {e.Message}", e);
        }
        finally
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
        }
        Verification verification = new(
            place.Region, time.GetUtcNow(), finding.Fault.Length == 0, finding.Fault, finding.Records, finding.Damaged,
            finding.RecoveredTo.Value, time.GetElapsedTime(start).TotalSeconds, []);
        await catalog.SaveAsync(manifest, verification, backup.Key, cancellationToken);
        return verification;
    }

    private async Task<Finding> FindAsync(string id, string folder, CancellationToken cancellationToken)
    {
        var restored = await restorer.RestoreAsync(
            new RestorePoint(place.Node, id, null), folder, cancellationToken);
        await using var server = restored.Server;
        var manifest = restored.Manifest;
        await using NpgsqlConnection sql = new(server.Connection(manifest.Superuser, manifest.Database));
        await sql.OpenAsync(cancellationToken);
        var (records, damaged) = await ReadAsync(sql, "records", cancellationToken);
        var (stranded, damagedToo) = await ReadAsync(sql, "stranded_writes", cancellationToken);
        await server.StopAsync();
        records += stranded;
        damaged += damagedToo;
        var fault = damaged > 0
            ? $"{damaged} of {records} records are not what their home made."
            : restored.RecoveredTo.Value + RecordBytesMax < restored.ArchiveEnd.Value
                ? $"The log could be read up to {PositionText.Of(restored.RecoveredTo)} only; it is archived up to "
                    + $"{PositionText.Of(restored.ArchiveEnd)}."
                : "";
        return new Finding(fault, records, damaged, restored.RecoveredTo);
    }

    // Reading a row checks its page's checksum too, where the server has them (PostgreSQL 18's default).
    private static async Task<(long Records, long Damaged)> ReadAsync(
        NpgsqlConnection sql, string table, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new($"SELECT {RecordColumns.Names} FROM {table}", sql);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        long records = 0, damaged = 0;
        while (await reader.ReadAsync(cancellationToken))
        {
            records++;
            damaged += RecordColumns.Read(reader).IsIntact ? 0 : 1;
        }
        return (records, damaged);
    }

    private string WorkDirectory() =>
        options.Value.WorkDirectory.Length > 0 ? options.Value.WorkDirectory : Path.GetTempPath();

    private sealed record Finding(string Fault, long Records, long Damaged, LogPosition RecoveredTo);
}
