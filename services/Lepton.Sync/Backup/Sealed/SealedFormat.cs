using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Lepton.Sync.Backup.Sealed;

/// <summary>
/// A sealed object: <c>LSB1</c>, a salt of 32 random bytes, then chunks of 256 KiB each followed by its tag of 16
/// bytes; the last is shorter or as long. Each object has a key of its own (HKDF-SHA256 of the backup's key and the
/// salt), so a chunk's nonce is its index. The associated data are the object's name, the index and whether it is the
/// last: a chunk that was changed, moved, left out or cut off is found (the STREAM construction: Hoang, Reyhanitabar,
/// Rogaway, Vizár 2015).
/// </summary>
internal sealed class SealedFormat : IDisposable
{
    public const int KeyBytes = 32;
    public const int SaltBytes = 32;
    public const int TagBytes = 16;
    public const int ChunkBytes = 256 << 10;
    public static readonly ReadOnlyMemory<byte> Magic = "LSB1"u8.ToArray();

    private const int NonceBytes = 12;

    private readonly AesGcm _aes;
    private readonly byte[] _associated;
    private long _index;

    public SealedFormat(ReadOnlySpan<byte> key, ReadOnlySpan<byte> salt, string name)
    {
        Span<byte> own = stackalloc byte[KeyBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, own, salt, "lepton sync backup object"u8);
        _aes = new AesGcm(own, TagBytes);
        CryptographicOperations.ZeroMemory(own);
        _associated = [.. new byte[9], .. Encoding.UTF8.GetBytes(name)];
    }

    /// <summary>Seals the next chunk: as many bytes, and the tag.</summary>
    public void Seal(ReadOnlySpan<byte> plain, bool isLast, Span<byte> chunk)
    {
        Span<byte> nonce = stackalloc byte[NonceBytes];
        Next(isLast, nonce);
        _aes.Encrypt(nonce, plain, chunk[..plain.Length], chunk.Slice(plain.Length, TagBytes), _associated);
    }

    /// <summary>Opens the next chunk.</summary>
    /// <exception cref="AuthenticationTagMismatchException">It is not what was sealed there.</exception>
    public void Open(ReadOnlySpan<byte> chunk, bool isLast, Span<byte> plain)
    {
        Span<byte> nonce = stackalloc byte[NonceBytes];
        Next(isLast, nonce);
        var length = chunk.Length - TagBytes;
        _aes.Decrypt(nonce, chunk[..length], chunk[length..], plain[..length], _associated);
    }

    public void Dispose() => _aes.Dispose();

    private void Next(bool isLast, Span<byte> nonce)
    {
        nonce.Clear();
        BinaryPrimitives.WriteInt64BigEndian(nonce[4..], _index);
        _associated[0] = isLast ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt64BigEndian(_associated.AsSpan(1), _index);
        _index++;
    }
}
