namespace Lepton.Sync.Backup.Store;

/// <summary>
/// Where backups are kept, in the node's region: a folder here; an object store is the same few calls. Names are
/// <c>a-z 0-9 . - /</c>. What is in it is sealed before it comes here.
/// </summary>
internal interface IBackupStore
{
    /// <summary>
    /// Makes an object of what <paramref name="write"/> writes. It is there, whole and durable, when this returns, and
    /// not at all when it throws. One of the same name is replaced.
    /// </summary>
    /// <exception cref="BackupException">StoreUnavailable, StoreFull.</exception>
    Task PutAsync(string name, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken);

    /// <exception cref="BackupException">NotFound, StoreUnavailable.</exception>
    Task<Stream> OpenAsync(string name, CancellationToken cancellationToken);

    /// <summary>All whose names begin with the prefix (which ends in a slash, or is empty), in order.</summary>
    /// <exception cref="BackupException">StoreUnavailable.</exception>
    Task<IReadOnlyList<StoredObject>> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Deletes what a crash left unfinished; called once, before anything is written.</summary>
    /// <exception cref="BackupException">StoreUnavailable.</exception>
    Task TidyAsync(CancellationToken cancellationToken);

    /// <summary>Harmless where it is not there.</summary>
    /// <exception cref="BackupException">StoreUnavailable.</exception>
    Task DeleteAsync(string name, CancellationToken cancellationToken);
}

/// <param name="Name">Its whole name.</param>
/// <param name="Bytes">Its size.</param>
internal readonly record struct StoredObject(string Name, long Bytes);
