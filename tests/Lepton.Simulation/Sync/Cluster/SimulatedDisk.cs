using Lepton.Sync.Placement;
using Lepton.Sync.Replication.Spooling;
using Lepton.Sync.Sealing;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>
/// A node's files beside its database. The end of a process loses nothing that was written; the end of the power loses,
/// from a place on that chance chooses, what was not flushed.
/// </summary>
internal sealed class SimulatedDisk(Random random)
{
    private readonly SortedDictionary<long, Content> _spool = [];
    private Topology? _topology;

    public Content Keys { get; } = new();

    /// <summary>Longest pause of a flush.</summary>
    public TimeSpan PauseMax { get; set; } = TimeSpan.FromMilliseconds(4);

    /// <summary>Every byte of the spool.</summary>
    public IEnumerable<byte[]> SpoolBytes => _spool.Values.Select(c => c.Bytes);

    public void LosePower()
    {
        foreach (var content in _spool.Values)
            content.Tear(random);
        Keys.Tear(random);
    }

    public ISpoolFiles Spool(TimeProvider time) => new SpoolFiles(this, time);

    public IKeyFile KeyFile(TimeProvider time) => new KeyLog(this, time);

    public ITopologyFile TopologyFile() => new KeptFile(this);

    private Task PauseAsync(TimeProvider time, CancellationToken cancellationToken) =>
        Task.Delay(PauseMax * random.NextDouble(), time, cancellationToken);

    /// <summary>The bytes of a file.</summary>
    internal sealed class Content
    {
        private int _flushed;

        public byte[] Bytes { get; private set; } = [];

        public void Append(ReadOnlySpan<byte> bytes) => Bytes = [.. Bytes, .. bytes];

        public void Replace(ReadOnlySpan<byte> bytes)
        {
            Bytes = bytes.ToArray();
            _flushed = Bytes.Length;
        }

        public void Flush() => _flushed = Bytes.Length;

        public void Cut(int length)
        {
            Bytes = Bytes[..length];
            _flushed = Math.Min(_flushed, length);
        }

        public void Tear(Random random)
        {
            Bytes = Bytes[..random.Next(_flushed, Bytes.Length + 1)];
            _flushed = Bytes.Length;
        }
    }

    private sealed class SpoolFiles(SimulatedDisk disk, TimeProvider time) : ISpoolFiles
    {
        public IReadOnlyList<long> List() => [.. disk._spool.Keys];

        public ISpoolFile Create(long number) => new SpoolFile(disk, disk._spool[number] = new Content(), time);

        public ISpoolFile Open(long number) => new SpoolFile(disk, disk._spool[number], time);

        public void Delete(long number) => disk._spool.Remove(number);
    }

    private sealed class SpoolFile(SimulatedDisk disk, Content content, TimeProvider time) : ISpoolFile
    {
        private bool _isClosed;

        public long Length => content.Bytes.Length;

        public ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            content.Append(bytes.Span);
            return default;
        }

        public async ValueTask FlushAsync(CancellationToken cancellationToken)
        {
            await disk.PauseAsync(time, cancellationToken);
            content.Flush();
        }

        public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            var rest = content.Bytes.AsSpan((int)Math.Min(offset, content.Bytes.Length));
            var count = Math.Min(buffer.Length, rest.Length);
            rest[..count].CopyTo(buffer.Span);
            return new(count);
        }

        public void Cut(long length) => content.Cut((int)length);

        public void Dispose() => _isClosed = true;
    }

    private sealed class KeyLog(SimulatedDisk disk, TimeProvider time) : IKeyFile
    {
        public Task<byte[]> ReadAsync(CancellationToken cancellationToken) =>
            Task.FromResult(disk.Keys.Bytes.ToArray());

        public async Task AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            await disk.PauseAsync(time, CancellationToken.None);
            disk.Keys.Append(bytes.Span);
            await disk.PauseAsync(time, CancellationToken.None);
            disk.Keys.Flush();
        }

        public async Task ReplaceAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            await disk.PauseAsync(time, CancellationToken.None);
            disk.Keys.Replace(bytes.Span);
            await disk.PauseAsync(time, CancellationToken.None);
        }
    }

    private sealed class KeptFile(SimulatedDisk disk) : ITopologyFile
    {
        public Topology? Load() => disk._topology;

        public void Save(Topology topology) => disk._topology = topology;
    }
}
