using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Lepton.Sync.Records;

/// <summary>What a row is.</summary>
internal enum RecordKind : byte
{
    /// <summary>A value.</summary>
    Value = 0,

    /// <summary>The key was deleted; kept until every replica has confirmed it.</summary>
    Tombstone = 1,
}

/// <summary>
/// A record as its home made it and as every replica keeps it, byte for byte. Key and body are never changed after.
/// </summary>
internal sealed record StoredRecord
{
    /// <summary>Longest stored key: a tenant of 63 bytes, a slash, a key of 1,024.</summary>
    public const int KeyBytesMax = 1088;

    public required ClassId Class { get; init; }

    public required SlotId Slot { get; init; }

    /// <summary>1 to 1,088 bytes: <c>TENANT/KEY</c> in UTF-8; in a blind class its keyed digest (32).</summary>
    public required ReadOnlyMemory<byte> Key { get; init; }

    public required RecordVersion Version { get; init; }

    public required RecordKind Kind { get; init; }

    /// <summary>What the body is sealed with; none where there is no body.</summary>
    public required KeyId KeyId { get; init; }

    /// <summary>Compressed, then sealed; see Sealing. Empty: a tombstone of an erased record.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>The client's id of the write; empty: none.</summary>
    public required Guid RequestId { get; init; }

    /// <summary>SHA-256 over all the above as the home made it (<see cref="Digest"/>): 32 bytes.</summary>
    public required ReadOnlyMemory<byte> Sha256 { get; init; }

    /// <summary>Is it what the home made?</summary>
    public bool IsIntact
    {
        get
        {
            Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
            Digest(this, digest);
            return Sha256.Span.SequenceEqual(digest);
        }
    }

    /// <summary>SHA-256 over a fixed form: numbers big-endian, key and body each after its length.</summary>
    public static byte[] Digest(StoredRecord record)
    {
        var digest = new byte[SHA256.HashSizeInBytes];
        Digest(record, digest);
        return digest;
    }

    /// <summary>The same into 32 bytes. In one piece: a hash object for each record costs more than the copy.</summary>
    public static void Digest(StoredRecord record, Span<byte> digest)
    {
        const int headBytes = 2 + 2 + 8 + 8 + 1 + 16 + 16 + 4 + 4;
        var length = headBytes + record.Key.Length + record.Body.Length;
        var rented = ArrayPool<byte>.Shared.Rent(length);
        var form = rented.AsSpan(0, length);
        BinaryPrimitives.WriteInt16BigEndian(form, record.Class.Value);
        BinaryPrimitives.WriteInt16BigEndian(form[2..], record.Slot.Value);
        BinaryPrimitives.WriteInt64BigEndian(form[4..], record.Version.Term);
        BinaryPrimitives.WriteInt64BigEndian(form[12..], record.Version.Clock);
        form[20] = (byte)record.Kind;
        record.KeyId.Value.TryWriteBytes(form[21..], bigEndian: true, out _);
        record.RequestId.TryWriteBytes(form[37..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt32BigEndian(form[53..], record.Key.Length);
        BinaryPrimitives.WriteInt32BigEndian(form[57..], record.Body.Length);
        record.Key.Span.CopyTo(form[headBytes..]);
        record.Body.Span.CopyTo(form[(headBytes + record.Key.Length)..]);
        SHA256.HashData(form, digest);
        ArrayPool<byte>.Shared.Return(rented);
    }
}
