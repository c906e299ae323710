using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Lepton.Sync.Files;
using Lepton.Sync.Records;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Sealing;

/// <summary>
/// The installation's key of digests: whoever lacks it cannot tell from a stored key or a subject's digest whose it is,
/// nor try guesses. Two keys are made of it (HKDF, RFC 5869), so that a digest of one kind is never one of the other.
/// </summary>
internal sealed class BlindingKey
{
    public const int DigestBytes = 32;
    private const int OnStackMax = 512;

    private readonly byte[] _keys, _subjects;

    public BlindingKey(IOptions<SealingOptions> options)
        : this(SecretFile.Read("Sync:Sealing:BlindingKeyFile", options.Value.BlindingKeyFile))
    {
    }

    /// <param name="secret">32 bytes; zeroed here.</param>
    public BlindingKey(byte[] secret)
    {
        _keys = Derive(secret, "lepton/sync/record-key/v1"u8);
        _subjects = Derive(secret, "lepton/sync/subject/v1"u8);
        CryptographicOperations.ZeroMemory(secret);
    }

    /// <summary>HMAC-SHA256 over the class's id (2 bytes, big-endian) and TENANT/KEY: 32 bytes.</summary>
    public byte[] OfKey(ClassId recordClass, string tenant, string key)
    {
        Span<byte> head = stackalloc byte[2];
        BinaryPrimitives.WriteInt16BigEndian(head, recordClass.Value);
        return Digest(_keys, head, tenant, "/"u8, key);
    }

    /// <summary>HMAC-SHA256 over TENANT, a zero byte and the subject: 32 bytes.</summary>
    public SubjectDigest OfSubject(string tenant, string subject) =>
        new(tenant, Digest(_subjects, [], tenant, "\0"u8, subject));

    private static byte[] Digest(
        byte[] key, ReadOnlySpan<byte> head, string first, ReadOnlySpan<byte> between, string second)
    {
        var max = head.Length + Encoding.UTF8.GetMaxByteCount(first.Length) + between.Length
            + Encoding.UTF8.GetMaxByteCount(second.Length);
        var rented = max > OnStackMax ? ArrayPool<byte>.Shared.Rent(max) : null;
        var text = rented ?? stackalloc byte[OnStackMax];
        head.CopyTo(text);
        var length = head.Length;
        length += Encoding.UTF8.GetBytes(first, text[length..]);
        between.CopyTo(text[length..]);
        length += between.Length;
        length += Encoding.UTF8.GetBytes(second, text[length..]);
        var digest = HMACSHA256.HashData(key, text[..length]);
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented, clearArray: true);
        return digest;
    }

    private static byte[] Derive(byte[] secret, ReadOnlySpan<byte> purpose)
    {
        var key = new byte[DigestBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, key, salt: [], info: purpose);
        return key;
    }
}
