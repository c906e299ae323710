using System.Security.Cryptography;
using Google.Protobuf;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Audit.People;

/// <summary>What a person's key is found by: HMAC-SHA256 under the installation's index key over tenant, 0,
/// name.</summary>
internal readonly record struct PersonHandle(UInt128 High, UInt128 Low)
{
    public const int Bytes = 32;

    public static PersonHandle Of(ReadOnlySpan<byte> bytes) => new(
        System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes),
        System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]));

    public byte[] ToBytes()
    {
        var bytes = new byte[Bytes];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, High);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes.AsSpan(16), Low);
        return bytes;
    }
}

/// <summary>One person's key in one log: seals what names the person, and makes the index that it is found
/// by.</summary>
internal sealed class PersonKey
{
    public const int IdBytes = 16, KeyBytes = 32, IndexBytes = 16;
    private const int NonceBytes = 12, TagBytes = 16;

    private readonly byte[] _key;
    private readonly byte[] _index;
    private volatile bool _isDestroyed;

    /// <param name="id">16 random bytes.</param>
    /// <param name="handle">Whose.</param>
    /// <param name="log">In which log's entries.</param>
    /// <param name="key">32 random bytes; this object's from now on.</param>
    public PersonKey(Guid id, PersonHandle handle, string log, byte[] key)
    {
        (Id, Handle, Log, _key) = (id, handle, log, key);
        Span<byte> indexKey = stackalloc byte[KeyBytes];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, indexKey, salt: [], info: "lepton/audit/person-index/v1"u8);
        _index = HMACSHA256.HashData(indexKey, handle.ToBytes())[..IndexBytes];
        CryptographicOperations.ZeroMemory(indexKey);
    }

    public Guid Id { get; }

    public PersonHandle Handle { get; }

    public string Log { get; }

    /// <summary>In the entries that it sealed: dies with the key, from which alone it follows.</summary>
    public byte[] Index => _index;

    public bool IsDestroyed => _isDestroyed;

    /// <summary>The key itself, for its file and for holders of copies.</summary>
    public ReadOnlySpan<byte> Key => _key;

    /// <summary>Sealed; null: the key was destroyed meanwhile, and another must be had.</summary>
    public SealedPerson? Seal(ReadOnlySpan<byte> plain, ReadOnlySpan<byte> field)
    {
        var sealedBytes = new byte[NonceBytes + plain.Length + TagBytes];
        RandomNumberGenerator.Fill(sealedBytes.AsSpan(0, NonceBytes));
        using AesGcm cipher = new(_key, TagBytes);
        cipher.Encrypt(sealedBytes.AsSpan(0, NonceBytes), plain, sealedBytes.AsSpan(NonceBytes, plain.Length),
            sealedBytes.AsSpan(NonceBytes + plain.Length), Bound(field));
        SealedPerson person = new()
        {
            KeyId = ByteString.CopyFrom(Id.ToByteArray(bigEndian: true)), Index = ByteString.CopyFrom(_index),
            Sealed = ByteString.CopyFrom(sealedBytes),
        };
        // Destroying says so first and zeroes then: not yet said means that the key was whole when it was used.
        return _isDestroyed ? null : person;
    }

    /// <summary>What was sealed; null: it is damaged.</summary>
    public byte[]? Open(SealedPerson person, ReadOnlySpan<byte> field)
    {
        var bytes = person.Sealed.Span;
        if (bytes.Length < NonceBytes + TagBytes)
            return null;
        var plain = new byte[bytes.Length - NonceBytes - TagBytes];
        try
        {
            using AesGcm cipher = new(_key, TagBytes);
            cipher.Decrypt(bytes[..NonceBytes], bytes.Slice(NonceBytes, plain.Length), bytes[^TagBytes..], plain,
                Bound(field));
            return _isDestroyed ? null : plain;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    /// <summary>Overwrites the key: whoever still holds this object seals and opens no more.</summary>
    public void Destroy()
    {
        _isDestroyed = true;
        Interlocked.MemoryBarrier();
        CryptographicOperations.ZeroMemory(_key);
        CryptographicOperations.ZeroMemory(_index);
    }

    private byte[] Bound(ReadOnlySpan<byte> field) => [.. Id.ToByteArray(bigEndian: true), .. field];

    public override string ToString() => string.Create(null, stackalloc char[64], $"key {Id:N} of {Log}");
}
