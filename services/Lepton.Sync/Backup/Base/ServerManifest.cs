using System.Text.Json;

namespace Lepton.Sync.Backup.Base;

/// <summary>
/// PostgreSQL's own manifest of a base backup: each file's path, size and SHA-256. A restore is checked against it, so
/// the server's bytes are checked from end to end.
/// </summary>
internal static class ServerManifest
{
    // What a data folder of PostgreSQL 15 to 18 holds, from its documentation (chapter 66.1) and BASE_BACKUP's.
    private static readonly HashSet<string> Known =
    [
        "PG_VERSION", "backup_label", "backup_label.old", "tablespace_map", "tablespace_map.old", "postgresql.conf",
        "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf", "current_logfiles", "base", "global", "log", "conf.d",
        "pg_commit_ts", "pg_dynshmem", "pg_logical", "pg_multixact", "pg_notify", "pg_replslot", "pg_serial",
        "pg_snapshots", "pg_stat", "pg_stat_tmp", "pg_subtrans", "pg_tblspc", "pg_twophase", "pg_wal", "pg_xact",
        "recovery.signal", "standby.signal",
    ];

    /// <exception cref="BackupException">Damaged: it is none.</exception>
    public static IReadOnlyDictionary<string, ServerFile> Read(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            Dictionary<string, ServerFile> files = [];
            foreach (var file in document.RootElement.GetProperty("Files").EnumerateArray())
            {
                // Paths that are not UTF-8 come as Encoded-Path: none of PostgreSQL's are.
                var path = file.GetProperty("Path").GetString() ?? "";
                if (file.GetProperty("Checksum-Algorithm").GetString() != "SHA256")
                    throw new JsonException("another checksum than SHA256");
                files.Add(path, new ServerFile(
                    file.GetProperty("Size").GetInt64(), file.GetProperty("Checksum").GetString() ?? ""));
            }
            return files;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException
            or FormatException or ArgumentException)
        {
            throw new BackupException(BackupFault.Damaged, $"The server's manifest cannot be read: {e.Message}", e);
        }
    }

    /// <summary>
    /// Refuses a data folder that holds what is not PostgreSQL's: BASE_BACKUP takes whatever is there, and keys of
    /// subjects are in no backup (S7).
    /// </summary>
    /// <exception cref="BackupException">ForeignFiles.</exception>
    public static void CheckOwn(IReadOnlyDictionary<string, ServerFile> files)
    {
        if (files.Keys.FirstOrDefault(path => !Known.Contains(path.Split('/')[0])) is { } foreign)
            throw new BackupException(
                BackupFault.ForeignFiles,
                $"The server's data folder holds {foreign}, which is not PostgreSQL's. Move it elsewhere.");
    }
}

/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">In lower-case hexadecimal.</param>
internal readonly record struct ServerFile(long Bytes, string Sha256);
