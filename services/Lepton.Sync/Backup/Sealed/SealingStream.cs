using System.Security.Cryptography;
using Lepton.Sync.Backup.Store;

namespace Lepton.Sync.Backup.Sealed;

/// <summary>Seals what is written to it. Without <see cref="CompleteAsync"/> nobody will open the object.</summary>
internal sealed class SealingStream : WriteOnlyStream
{
    private readonly Stream _target;
    private readonly SealedFormat _format;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _plain = new byte[SealedFormat.ChunkBytes];
    private readonly byte[] _chunk = new byte[SealedFormat.ChunkBytes + SealedFormat.TagBytes];
    private byte[]? _head;
    private int _filled;

    public SealingStream(Stream target, ReadOnlySpan<byte> key, string name)
    {
        _target = target;
        var salt = RandomNumberGenerator.GetBytes(SealedFormat.SaltBytes);
        _format = new SealedFormat(key, salt, name);
        _head = [.. SealedFormat.Magic.Span, .. salt];
    }

    /// <summary>Bytes of the object so far.</summary>
    public long SealedBytes { get; private set; }

    /// <summary>Bytes taken so far.</summary>
    public long PlainBytes { get; private set; }

    public override async ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        PlainBytes += buffer.Length;
        while (!buffer.IsEmpty)
        {
            // A full chunk waits for what follows: only then it is known not to be the last.
            if (_filled == _plain.Length)
                await SealAsync(isLast: false, cancellationToken);
            var taken = Math.Min(buffer.Length, _plain.Length - _filled);
            buffer[..taken].CopyTo(_plain.AsMemory(_filled));
            _filled += taken;
            buffer = buffer[taken..];
        }
    }

    /// <summary>The last chunk; returns the SHA-256 of the whole object.</summary>
    public async Task<byte[]> CompleteAsync(CancellationToken cancellationToken)
    {
        await SealAsync(isLast: true, cancellationToken);
        return _hash.GetHashAndReset();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _format.Dispose();
            _hash.Dispose();
            CryptographicOperations.ZeroMemory(_plain);
        }
        base.Dispose(disposing);
    }

    private async Task SealAsync(bool isLast, CancellationToken cancellationToken)
    {
        if (_head is { } head)
        {
            await SendAsync(head, cancellationToken);
            _head = null;
        }
        var chunk = _chunk.AsMemory(0, _filled + SealedFormat.TagBytes);
        _format.Seal(_plain.AsSpan(0, _filled), isLast, chunk.Span);
        _filled = 0;
        await SendAsync(chunk, cancellationToken);
    }

    private async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        _hash.AppendData(bytes.Span);
        SealedBytes += bytes.Length;
        await _target.WriteAsync(bytes, cancellationToken);
    }
}
