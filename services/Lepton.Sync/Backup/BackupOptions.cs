using System.ComponentModel.DataAnnotations;

namespace Lepton.Sync.Backup;

/// <summary>Backups of the node's database server. Section <c>Sync:Backup</c>.</summary>
internal sealed class BackupOptions
{
    public const string Section = "Sync:Backup";

    /// <summary>Backups are made. Default false: then only an offline restore uses what is below.</summary>
    public bool Enabled { get; set; }

    /// <summary>
    /// Where backups are kept: a folder of this node's alone, on another disk than the database's and in the node's
    /// region. Required.
    /// </summary>
    public string Directory { get; set; } = "";

    /// <summary>A file with the region's secret over backups: 32 random bytes in base64. Required. Without it no backup
    /// can be opened; keep it apart from them.</summary>
    public string SecretFile { get; set; } = "";

    /// <summary>Where <c>bin/postgres</c> of the server's major version is, for verification and restore. Empty: a
    /// verification fails and says so.</summary>
    public string ToolsDirectory { get; set; } = "";

    /// <summary>Where a verification puts the restored server while it runs. Empty: the machine's temporary
    /// folder.</summary>
    public string WorkDirectory { get; set; } = "";

    /// <summary>How often a base backup is made. 1 min to 30 days, default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00", ErrorMessage = "1 min to 30 days")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How often the newest backup is restored and checked. 1 min to 30 days, default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00", ErrorMessage = "1 min to 30 days")]
    public TimeSpan VerifyInterval { get; set; } = TimeSpan.FromHours(24);

    /// <summary>
    /// Days that a backup is kept, while there is a newer one. 1 to 30, default 7. What is not sealed (a deleted
    /// record's key in a class with clear keys, its digests elsewhere) stays in backups that long: not longer than what
    /// an erasure promises.
    /// </summary>
    [Range(1, 30)]
    public int KeepDays { get; set; } = 7;

    /// <summary>Bytes that backups take at most. 64 MiB to 64 TiB, default 64 GiB. Older ones make room.</summary>
    [Range(64L << 20, 64L << 40)]
    public long BytesMax { get; set; } = 64L << 30;

    /// <summary>Longest time that a part of the log waits to be saved. 100 ms to 10 min, default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00", ErrorMessage = "100 ms to 10 min")]
    public TimeSpan SaveInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of log in one object. 64 KiB to 64 MiB, default 16 MiB.</summary>
    [Range(64 << 10, 64 << 20)]
    public int PieceBytesMax { get; set; } = 16 << 20;

    /// <summary>
    /// Log that the server keeps while it cannot be saved because of where backups are kept; beyond it the slot is
    /// dropped, so that the database's disk does not fill: a gap, with an alarm. 64 MiB to 1 TiB, default 4 GiB.
    /// </summary>
    [Range(64L << 20, 1L << 40)]
    public long ServerLogBytesMax { get; set; } = 4L << 30;

    /// <summary>The replication slot's name. a-z, 0-9 and '_', default <c>lepton_backup</c>.</summary>
    [RegularExpression("^[a-z0-9_]{1,63}$", ErrorMessage = "1 to 63 of a-z, 0-9 and '_'")]
    public string Slot { get; set; } = "lepton_backup";

    /// <summary>What a base backup reads a second. 1 MiB to 1 GiB, default 64 MiB.</summary>
    [Range(1L << 20, 1L << 30)]
    public long BytesPerSecondMax { get; set; } = 64L << 20;

    /// <summary>Longest wait for one word of the server. 1 s to 1 h, default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00", ErrorMessage = "1 s to 1 h")]
    public TimeSpan SilenceMax { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Longest time of a base backup. 1 min to 2 days, default 12 h.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "2.00:00:00", ErrorMessage = "1 min to 2 days")]
    public TimeSpan CreateTimeMax { get; set; } = TimeSpan.FromHours(12);

    /// <summary>Longest time of a restore, recovery included. 1 min to 2 days, default 12 h.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "2.00:00:00", ErrorMessage = "1 min to 2 days")]
    public TimeSpan RestoreTimeMax { get; set; } = TimeSpan.FromHours(12);

    /// <summary>What attributes cannot say.</summary>
    public static IEnumerable<string> Faults(BackupOptions options)
    {
        if (options.Enabled && options.Directory.Length == 0)
            yield return "Sync:Backup:Directory takes a folder for backups, in the node's region.";
        if (options.Enabled && options.SecretFile.Length == 0)
            yield return "Sync:Backup:SecretFile takes a file with 32 random bytes in base64.";
        if (options.Interval > TimeSpan.FromDays(options.KeepDays))
            yield return "Sync:Backup:Interval takes at most Sync:Backup:KeepDays.";
    }
}
