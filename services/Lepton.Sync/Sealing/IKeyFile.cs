namespace Lepton.Sync.Sealing;

/// <summary>The bytes of a key store. Real: a file. Simulated: memory with crashes.</summary>
internal interface IKeyFile
{
    /// <summary>All of it; empty: there is none yet.</summary>
    Task<byte[]> ReadAsync(CancellationToken cancellationToken);

    /// <summary>Adds to its end; durable when it returns. After an error the end is not known.</summary>
    Task AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Puts this in its place, whole or not at all, and leaves nothing of what was there; durable.</summary>
    Task ReplaceAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);
}

/// <summary>A key store's file in a folder of its node's own, which one process at a time has.</summary>
internal sealed class KeyFile : IKeyFile, IDisposable
{
    private readonly string _file;
    private readonly FileStream _lock;
    private FileStream? _end;

    /// <exception cref="IOException">Another process has the folder.</exception>
    public KeyFile(string directory)
    {
        DurableFiles.EnsureFolder(directory);
        _file = Path.Combine(directory, "keys.log");
        try
        {
            _lock = new FileStream(Path.Combine(directory, "keys.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite,
                FileShare.None);
        }
        catch (IOException e)
        {
            throw new IOException($"Sync:Keys:StoreDirectory takes a folder of this node's own; another process has "
                + $"{directory}.", e);
        }
        DurableFiles.ShredLeftovers(_file);
    }

    public async Task<byte[]> ReadAsync(CancellationToken cancellationToken) =>
        File.Exists(_file) ? await File.ReadAllBytesAsync(_file, cancellationToken) : [];

    public async Task AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        _end ??= new FileStream(_file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        _end.Seek(0, SeekOrigin.End);
        await _end.WriteAsync(bytes, cancellationToken);
        _end.Flush(flushToDisk: true);
    }

    public Task ReplaceAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        _end?.Dispose();
        _end = null;
        DurableFiles.Replace(_file, bytes.Span);
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        _end?.Dispose();
        _lock.Dispose();
    }
}
