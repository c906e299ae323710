using System.Buffers.Binary;
using Lepton.Sync.Records;

namespace Lepton.Sync.Sealing;

/// <summary>
/// The fixed forms of a sealed body. Numbers are big-endian.
/// <code>
/// body    = format (1 byte: 1), nonce (12), ciphertext, tag (16)          AES-256-GCM (NIST SP 800-38D)
/// inside  = form (1 byte: bits 0-6 compression, bit 7: names inside), dictionary (1), payload as compressed
/// payload = [length of the names (2), TENANT/KEY in UTF-8,] value         names: of blind classes
/// with it = format (1), class (2), slot (2), term (8), clock (8), kind (1), key id (16), request id (16), stored key
/// </code>
/// </summary>
internal static class Envelope
{
    public const byte Format = 1;
    public const int NonceBytes = 12;
    public const int TagBytes = CipherCache.TagBytes;

    /// <summary>Before the ciphertext.</summary>
    public const int HeadBytes = 1 + NonceBytes;

    /// <summary>Before the payload.</summary>
    public const int InsideHeadBytes = 2;

    /// <summary>Set in the form where the payload begins with the names.</summary>
    public const byte NamesInside = 0x80;

    /// <summary>Longest associated data.</summary>
    public const int AssociatedBytesMax = FixedBytes + StoredRecord.KeyBytesMax;

    private const int FixedBytes = 1 + 2 + 2 + 8 + 8 + 1 + 16 + 16;

    /// <summary>Writes what the seal vouches for beside the body; its length.</summary>
    public static int WriteAssociated(
        Span<byte> to, ClassId recordClass, SlotId slot, RecordVersion version, RecordKind kind, KeyId keyId,
        Guid requestId, ReadOnlySpan<byte> key)
    {
        to[0] = Format;
        BinaryPrimitives.WriteInt16BigEndian(to[1..], recordClass.Value);
        BinaryPrimitives.WriteInt16BigEndian(to[3..], slot.Value);
        BinaryPrimitives.WriteInt64BigEndian(to[5..], version.Term);
        BinaryPrimitives.WriteInt64BigEndian(to[13..], version.Clock);
        to[21] = (byte)kind;
        keyId.Value.TryWriteBytes(to[22..], bigEndian: true, out _);
        requestId.TryWriteBytes(to[38..], bigEndian: true, out _);
        key.CopyTo(to[FixedBytes..]);
        return FixedBytes + key.Length;
    }
}
