namespace Lepton.Sync.Replication.Spooling;

/// <summary>The spool's folder: files by number. Real: a directory. Simulated: memory that loses what was not
/// flushed.</summary>
internal interface ISpoolFiles
{
    /// <summary>The files' numbers, ascending.</summary>
    IReadOnlyList<long> List();

    /// <summary>A new, empty file to append to.</summary>
    /// <exception cref="IOException">It cannot be made.</exception>
    ISpoolFile Create(long number);

    /// <summary>A file that is there, to read, and to cut.</summary>
    ISpoolFile Open(long number);

    void Delete(long number);
}

/// <summary>One file. A writer and any number of readers use it at a time.</summary>
internal interface ISpoolFile : IDisposable
{
    long Length { get; }

    ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Returns when all that was appended outlives a power cut.</summary>
    ValueTask FlushAsync(CancellationToken cancellationToken);

    /// <summary>Fills the buffer as far as there are bytes; returns how many.</summary>
    ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken);

    void Cut(long length);
}
