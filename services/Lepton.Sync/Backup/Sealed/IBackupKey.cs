namespace Lepton.Sync.Backup.Sealed;

/// <summary>
/// The region's key over backups: wraps the key of each. By default a secret file of the region; a key management
/// service is the same two calls. It is another key than what wraps the subjects' data keys: those are in no backup
/// (S7).
/// </summary>
internal interface IBackupKey
{
    /// <param name="key">32 bytes.</param>
    /// <param name="context">What it is for; opening it for anything else fails.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="BackupException">Invalid: the key cannot be had.</exception>
    ValueTask<byte[]> WrapAsync(ReadOnlyMemory<byte> key, string context, CancellationToken cancellationToken);

    /// <exception cref="BackupException">WrongRegion: it was wrapped by another key, or for something else.</exception>
    ValueTask<byte[]> UnwrapAsync(ReadOnlyMemory<byte> wrapped, string context, CancellationToken cancellationToken);
}
