using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Backup.Store;

/// <summary>
/// A folder, of the owner only: files are written beside, flushed, then given their name. What a crash left unfinished
/// has no name (<c>.part</c>) and is deleted by the next start. One process writes to it.
/// </summary>
internal sealed class DirectoryBackupStore(string directory, long bytesMax) : IBackupStore
{
    public const string Unfinished = ".part";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const int NoSpaceLeft = 28, QuotaExceeded = 122; // errno

    // Empty where no backups are made: then nothing is asked of it.
    private readonly string _root = directory.Length == 0 ? "" : Path.GetFullPath(directory);
    private readonly Lock _counting = new();
    private long? _usedBytes;

    public DirectoryBackupStore(IOptions<BackupOptions> options)
        : this(options.Value.Directory, options.Value.BytesMax)
    {
    }

    public Task PutAsync(
        string name, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            var path = PathOf(name);
            var folder = Path.GetDirectoryName(path) ?? _root;
            Directory.CreateDirectory(folder, OwnerOnly);
            var part = path + Unfinished;
            File.Delete(part);
            var before = File.Exists(path) ? new FileInfo(path).Length : 0;
            try
            {
                await using (var file = new FileStream(part, new FileStreamOptions
                {
                    Mode = FileMode.CreateNew,
                    Access = FileAccess.Write,
                    Options = FileOptions.Asynchronous,
                    UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                }))
                {
                    await using var bounded = new BoundedStream(file, bytesMax - AddUsed(0), bytesMax);
                    await write(bounded, cancellationToken);
                    await file.FlushAsync(cancellationToken);
                    RandomAccess.FlushToDisk(file.SafeFileHandle);
                }
                File.Move(part, path, overwrite: true);
                DurableFolder.Flush(folder);
                AddUsed(new FileInfo(path).Length - before);
            }
            catch
            {
                File.Delete(part);
                throw;
            }
            return true;
        });

    public Task<Stream> OpenAsync(string name, CancellationToken cancellationToken) => GuardAsync(() =>
    {
        var path = PathOf(name);
        return File.Exists(path)
            ? Task.FromResult<Stream>(new FileStream(
                path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 64 << 10,
                FileOptions.Asynchronous | FileOptions.SequentialScan))
            : throw new BackupException(BackupFault.NotFound, $"There is no {name} in {_root}.");
    });

    public Task<IReadOnlyList<StoredObject>> ListAsync(string prefix, CancellationToken cancellationToken) =>
        GuardAsync(() =>
        {
            var folder = new DirectoryInfo(prefix.Length == 0 ? _root : PathOf(prefix.TrimEnd('/')));
            List<StoredObject> found = [];
            if (folder.Exists)
                foreach (var file in folder.EnumerateFiles("*", SearchOption.AllDirectories))
                    found.Add(new StoredObject(Path.GetRelativePath(_root, file.FullName), Length(file)));
            found.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
            return Task.FromResult<IReadOnlyList<StoredObject>>(found);
        });

    public Task TidyAsync(CancellationToken cancellationToken) => GuardAsync(() =>
    {
        if (Directory.Exists(_root))
            foreach (var part in Directory.EnumerateFiles(_root, "*" + Unfinished, SearchOption.AllDirectories))
                File.Delete(part);
        return Task.FromResult(true);
    });

    public Task DeleteAsync(string name, CancellationToken cancellationToken) => GuardAsync(() =>
    {
        var path = PathOf(name);
        if (File.Exists(path))
        {
            var bytes = new FileInfo(path).Length;
            File.Delete(path);
            AddUsed(-bytes);
        }
        // Not the root: it may be a mount, or have been made by the operator.
        for (var folder = Path.GetDirectoryName(path); folder is not null && folder.Length > _root.Length;
            folder = Path.GetDirectoryName(folder))
        {
            if (!Directory.Exists(folder))
                continue;
            if (Directory.EnumerateFileSystemEntries(folder).Any())
                break;
            Directory.Delete(folder);
        }
        return Task.FromResult(true);
    });

    private static long Length(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (FileNotFoundException)
        {
            return 0; // deleted since it was listed
        }
    }

    private long AddUsed(long bytes)
    {
        lock (_counting)
        {
            _usedBytes ??= Directory.Exists(_root)
                ? new DirectoryInfo(_root).EnumerateFiles("*", SearchOption.AllDirectories).Sum(Length) - bytes
                : 0;
            return (_usedBytes += bytes).Value;
        }
    }

    private string PathOf(string name)
    {
        var path = Path.GetFullPath(Path.Combine(_root, name));
        return path.StartsWith(_root + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? path
            : throw new BackupException(BackupFault.Invalid, $"\"{name}\" is no name of a backup's object.");
    }

    private async Task<T> GuardAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (IOException e) when ((e.HResult & 0xffff) is NoSpaceLeft or QuotaExceeded)
        {
            throw new BackupException(BackupFault.StoreFull, $"The disk of {_root} is full.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BackupException(
                BackupFault.StoreUnavailable, $"Backups in {_root} cannot be read or written: {e.Message}", e);
        }
    }
}
