using Lepton.Sync.Replication.Spooling;

namespace Lepton.Sync.Tests.Replication.World;

/// <summary>Files in memory that lose, in a crash, a part of what was not flushed.</summary>
internal sealed class MemorySpoolFiles : ISpoolFiles
{
    private readonly SortedDictionary<long, MemoryFile> _files = [];

    /// <summary>Appending fails, as on a full disk.</summary>
    public bool IsFull { get; set; }

    public IReadOnlyList<long> List() => [.. _files.Keys];

    public ISpoolFile Create(long number) => IsFull
        ? throw new IOException("No space left on device.")
        : _files[number] = new MemoryFile(this);

    public ISpoolFile Open(long number) => _files[number].Reopen();

    public void Delete(long number) => _files.Remove(number);

    /// <summary>What was not flushed is lost from a place on that chance chooses.</summary>
    public void Crash(Random random)
    {
        foreach (MemoryFile file in _files.Values)
            file.Tear(random);
    }

    /// <summary>Turns one bit of a file that is there.</summary>
    public void Flip(Random random)
    {
        if (_files.Count == 0)
            return;
        MemoryFile file = _files.Values.ElementAt(random.Next(_files.Count));
        file.Flip(random);
    }

    private sealed class MemoryFile(MemorySpoolFiles owner) : ISpoolFile
    {
        private byte[] _bytes = [];
        private int _flushed;
        private bool _closed;

        public long Length => _bytes.Length;

        public MemoryFile Reopen()
        {
            _closed = false;
            return this;
        }

        public void Tear(Random random)
        {
            Array.Resize(ref _bytes, random.Next(_flushed, _bytes.Length + 1));
            _flushed = _bytes.Length;
        }

        public void Flip(Random random)
        {
            if (_bytes.Length > 0)
                _bytes[random.Next(_bytes.Length)] ^= (byte)(1 << random.Next(8));
        }

        public ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (owner.IsFull)
                throw new IOException("No space left on device.");
            _bytes = [.. _bytes, .. bytes.Span];
            return default;
        }

        public ValueTask FlushAsync(CancellationToken cancellationToken)
        {
            _flushed = _bytes.Length;
            return default;
        }

        public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            int count = (int)Math.Min(buffer.Length, Math.Max(0, _bytes.Length - offset));
            _bytes.AsSpan((int)Math.Min(offset, _bytes.Length), count).CopyTo(buffer.Span);
            return new(count);
        }

        public void Cut(long length)
        {
            Array.Resize(ref _bytes, (int)length);
            _flushed = Math.Min(_flushed, _bytes.Length);
        }

        public void Dispose() => _closed = true;
    }
}
