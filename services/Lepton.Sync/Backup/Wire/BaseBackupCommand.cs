using System.Globalization;
using System.Text;
using Lepton.Sync.Records;

namespace Lepton.Sync.Backup.Wire;

/// <summary>What a base backup spans.</summary>
/// <param name="Timeline">The server's.</param>
/// <param name="Start">Recovery begins here.</param>
/// <param name="End">Recovery must come this far before the files fit together.</param>
internal readonly record struct BaseBackupSpan(uint Timeline, LogPosition Start, LogPosition End);

/// <summary>BASE_BACKUP (PostgreSQL 15 or later): the data folder as one tar archive, and the manifest.</summary>
internal static class BaseBackupCommand
{
    /// <param name="link">A connection, which is used up when this fails.</param>
    /// <param name="label">Letters, digits and hyphens.</param>
    /// <param name="bytesPerSecondMax">What the server sends at most.</param>
    /// <param name="tar">Takes <c>base.tar</c>.</param>
    /// <param name="manifest">Takes the manifest: JSON, with a SHA-256 of every file.</param>
    /// <param name="cancellationToken">Ends it; the server forgets it when the connection is closed.</param>
    /// <exception cref="BackupException">Refused, or the server is gone.</exception>
    public static async Task<BaseBackupSpan> RunAsync(
        ReplicationLink link, string label, long bytesPerSecondMax, Stream tar, Stream manifest,
        CancellationToken cancellationToken)
    {
        var kilobytes = Math.Clamp(bytesPerSecondMax >> 10, 32, 1 << 20);
        await link.SendQueryAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"BASE_BACKUP (LABEL '{label}', CHECKPOINT 'fast', WAIT false, MANIFEST 'yes', "
            + $"MANIFEST_CHECKSUMS 'SHA256', MAX_RATE {kilobytes})"), cancellationToken);
        List<(LogPosition Position, uint Timeline)> ends = [];
        var target = Stream.Null;
        for (; ; )
        {
            var message = await link.ReadAsync(cancellationToken);
            switch (message.Type)
            {
                case 'D' when message.Row() is [{ } position, { } timeline]
                    && uint.TryParse(timeline, CultureInfo.InvariantCulture, out var number) && position.Contains('/'):
                    ends.Add((PositionText.Parse(position), number));
                    break;
                case 'd':
                    target = await TakeAsync(message, target, tar, manifest, cancellationToken);
                    break;
                case 'Z':
                    return ends is [var start, var end] && start.Timeline == end.Timeline
                        ? new BaseBackupSpan(start.Timeline, start.Position, end.Position)
                        : throw new BackupException(
                            BackupFault.ServerRefused, "The database server did not say what its backup spans.");
            }
        }
    }

    private static async Task<Stream> TakeAsync(
        ServerMessage message, Stream target, Stream tar, Stream manifest, CancellationToken cancellationToken)
    {
        switch (message.Body.IsEmpty ? '\0' : (char)message.Body.Span[0])
        {
            case 'n':
                var archive = message.Text(1);
                var folder = message.Text(1 + Encoding.UTF8.GetByteCount(archive) + 1);
                return folder.Length == 0
                    ? tar
                    : throw new BackupException(
                        BackupFault.ForeignFiles,
                        $"The server has a tablespace in {folder}; only its data folder is kept.");
            case 'm':
                return manifest;
            case 'd':
                await target.WriteAsync(message.Body[1..], cancellationToken);
                return target;
            default:
                return target; // progress
        }
    }
}
