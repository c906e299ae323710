using System.Buffers.Binary;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Client.Audit;

/// <summary>
/// An event in the spool: uint32 length, uint32 CRC-32C of the payload, both little-endian, then the payload, an
/// AuditEvent. A length of 0 is a probe of the disk and no event.
/// </summary>
internal static class SpoolFrame
{
    public const int HeaderBytes = 8;

    // All texts of an event at their limits are below 24 KiB in UTF-8; a length beyond this is damage.
    public const int PayloadBytesMax = 64 << 10;

    public static void Write(Span<byte> to, ReadOnlySpan<byte> payload)
    {
        BinaryPrimitives.WriteInt32LittleEndian(to, payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(to[4..], Crc32C.Of(payload));
        payload.CopyTo(to[HeaderBytes..]);
    }

    /// <summary>The payload at the start; false at the end and at the first damaged or torn frame.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (bytes.Length < HeaderBytes)
            return false;
        int length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        if (length is < 0 or > PayloadBytesMax || length > bytes.Length - HeaderBytes)
            return false;
        payload = bytes.Slice(HeaderBytes, length);
        return Crc32C.Of(payload) == BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
    }
}
