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
    public bool IsIntact => Sha256.Span.SequenceEqual(Digest(this));

    /// <summary>SHA-256 over a fixed form: numbers big-endian, key and body each after its length.</summary>
    public static byte[] Digest(StoredRecord record)
    {
        Span<byte> head = stackalloc byte[2 + 2 + 8 + 8 + 1 + 16 + 16 + 4 + 4];
        BinaryPrimitives.WriteInt16BigEndian(head, record.Class.Value);
        BinaryPrimitives.WriteInt16BigEndian(head[2..], record.Slot.Value);
        BinaryPrimitives.WriteInt64BigEndian(head[4..], record.Version.Term);
        BinaryPrimitives.WriteInt64BigEndian(head[12..], record.Version.Clock);
        head[20] = (byte)record.Kind;
        record.KeyId.Value.TryWriteBytes(head[21..], bigEndian: true, out _);
        record.RequestId.TryWriteBytes(head[37..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt32BigEndian(head[53..], record.Key.Length);
        BinaryPrimitives.WriteInt32BigEndian(head[57..], record.Body.Length);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(head);
        hash.AppendData(record.Key.Span);
        hash.AppendData(record.Body.Span);
        return hash.GetHashAndReset();
    }
}
