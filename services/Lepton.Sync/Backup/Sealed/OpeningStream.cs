using System.Security.Cryptography;

namespace Lepton.Sync.Backup.Sealed;

/// <summary>
/// Opens a sealed object as it is read. No byte of a chunk is handed out before its tag was checked; the end is only
/// reported after the last chunk said that it is the last.
/// </summary>
internal sealed class OpeningStream(Stream source, ReadOnlyMemory<byte> key, string name) : Stream
{
    private const int ChunkBytes = SealedFormat.ChunkBytes + SealedFormat.TagBytes;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _plain = new byte[SealedFormat.ChunkBytes];

    // One byte more than a chunk: whether it came says whether the chunk is the last.
    private readonly byte[] _chunk = new byte[ChunkBytes + 1];
    private SealedFormat? _format;
    private int _ahead;
    private int _start;
    private int _end;
    private bool _ended;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>The object's SHA-256, after its end was read.</summary>
    public byte[] Sha256() => _hash.GetCurrentHash();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_start == _end && !_ended)
            await FillAsync(cancellationToken);
        var count = Math.Min(buffer.Length, _end - _start);
        _plain.AsMemory(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _format?.Dispose();
            _hash.Dispose();
            source.Dispose();
            CryptographicOperations.ZeroMemory(_plain);
        }
        base.Dispose(disposing);
    }

    private async Task FillAsync(CancellationToken cancellationToken)
    {
        _format ??= await BeginAsync(cancellationToken);
        var wanted = _chunk.AsMemory(_ahead);
        var read = await source.ReadAtLeastAsync(wanted, wanted.Length, throwOnEndOfStream: false, cancellationToken);
        _hash.AppendData(wanted.Span[..read]);
        var filled = _ahead + read;
        var isLast = filled <= ChunkBytes;
        var length = Math.Min(filled, ChunkBytes);
        if (length < SealedFormat.TagBytes)
            throw Damaged(null);
        try
        {
            _format.Open(_chunk.AsSpan(0, length), isLast, _plain);
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw Damaged(e);
        }
        (_start, _end, _ended) = (0, length - SealedFormat.TagBytes, isLast);
        _ahead = filled - length;
        _chunk[0] = _chunk[ChunkBytes];
    }

    private async Task<SealedFormat> BeginAsync(CancellationToken cancellationToken)
    {
        var head = new byte[SealedFormat.Magic.Length + SealedFormat.SaltBytes];
        var read = await source.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken);
        _hash.AppendData(head, 0, read);
        return read == head.Length && head.AsSpan().StartsWith(SealedFormat.Magic.Span)
            ? new SealedFormat(key.Span, head.AsSpan(SealedFormat.Magic.Length), name)
            : throw Damaged(null);
    }

    private BackupException Damaged(Exception? inner) => new(
        BackupFault.Damaged, $"{name}: its bytes are not those that were sealed: changed, cut off, or moved.", inner);
}
