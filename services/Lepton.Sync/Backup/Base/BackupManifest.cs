using Lepton.Sync.Backup.Sealed;
using Lepton.Sync.Records;

namespace Lepton.Sync.Backup.Base;

/// <summary>A complete base backup: this document is written last.</summary>
/// <param name="Region">Only there is it opened.</param>
/// <param name="Node">Whose database server.</param>
/// <param name="Id">When it began and a random part, e.g. <c>20261125t120000z-1a2b3c4d</c>.</param>
/// <param name="SystemId">The server's.</param>
/// <param name="Timeline">The server's.</param>
/// <param name="Start">The log is needed from this position's file on.</param>
/// <param name="End">And at least to here.</param>
/// <param name="StartTime">By the server's clock.</param>
/// <param name="EndTime">By the server's clock: the earliest time that it restores to.</param>
/// <param name="ServerVersion">E.g. <c>18.4</c>: a restore needs the same major version.</param>
/// <param name="Database">The node's database on that server.</param>
/// <param name="Superuser">The server's first role, which a restore gives a new password.</param>
/// <param name="PlainBytes">Of the data folder's archive.</param>
/// <param name="Files">What belongs to it.</param>
/// <param name="WrappedKey">The files' key.</param>
internal sealed record BackupManifest(
    string Region, string Node, string Id, string SystemId, uint Timeline, ulong Start, ulong End,
    DateTimeOffset StartTime, DateTimeOffset EndTime, string ServerVersion, string Database, string Superuser,
    long PlainBytes, IReadOnlyList<BackupFile> Files, byte[] WrappedKey) : IRegional
{
    public const string Document = "manifest.json", Archive = "base.tar", ServerManifest = "server-manifest.json";

    public LogPosition StartPosition => new(Start);

    public LogPosition EndPosition => new(End);

    /// <summary>E.g. <c>18</c>.</summary>
    public string ServerMajor => ServerVersion.Split('.', ' ')[0];

    /// <summary>Of its objects.</summary>
    public long Bytes => Files.Sum(f => f.Bytes);

    public static string PrefixOf(string node, string id) => $"{node}/base/{id}/";
}

/// <param name="Name">The object's.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">Of its bytes as they are kept, in hexadecimal.</param>
internal sealed record BackupFile(string Name, long Bytes, string Sha256);

/// <summary>What a verification found; kept beside the backup.</summary>
/// <param name="Region">The node's.</param>
/// <param name="Time">When it ended, by this machine's clock.</param>
/// <param name="Good">Everything was as it should be.</param>
/// <param name="Message">What was not; empty if good.</param>
/// <param name="Records">Rows of records that were read, each checked against its digest.</param>
/// <param name="Damaged">Those that were not what their home made.</param>
/// <param name="RecoveredTo">The end of the log that the restored server reached.</param>
/// <param name="Seconds">How long restore and check took.</param>
/// <param name="WrappedKey">As the backup's.</param>
internal sealed record Verification(
    string Region, DateTimeOffset Time, bool Good, string Message, long Records, long Damaged, ulong RecoveredTo,
    double Seconds, byte[] WrappedKey) : IRegional
{
    public const string Document = "verification.json";
}

/// <summary>A base backup as it is kept.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Manifest">Null: it is not complete, or cannot be opened.</param>
/// <param name="Key">With the manifest.</param>
/// <param name="Verification">The last; null: none.</param>
/// <param name="Fault">Why it is not usable; null: it is.</param>
/// <param name="Bytes">What its objects take.</param>
internal sealed record KeptBackup(
    string Id, BackupManifest? Manifest, ReadOnlyMemory<byte> Key, Verification? Verification, string? Fault,
    long Bytes);
