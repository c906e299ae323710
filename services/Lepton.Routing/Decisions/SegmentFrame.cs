using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Decisions;

/// <summary>
/// A record in a segment: uint32 length, uint32 CRC-32C of the payload, both little-endian, then the payload.
/// </summary>
internal static class SegmentFrame
{
    public const int HeaderBytes = 8;

    private const byte IdTag = 0x0A;

    // A decision with 64 candidates in 10 attempts is below 200 KiB; a length beyond this is damage.
    public const int PayloadBytesMax = 4 << 20;

    public static void Write(IBufferWriter<byte> to, IMessage message)
    {
        int length = message.CalculateSize();
        Span<byte> frame = to.GetSpan(HeaderBytes + length)[..(HeaderBytes + length)];
        message.WriteTo(frame[HeaderBytes..]);
        BinaryPrimitives.WriteInt32LittleEndian(frame, length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[4..], Crc32C.Of(frame[HeaderBytes..]));
        to.Advance(frame.Length);
    }

    /// <summary>The payload at the span's start; false at its end and at the first damaged or torn record.</summary>
    public static bool TryRead(ReadOnlySpan<byte> segment, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (segment.Length < HeaderBytes)
            return false;
        int length = BinaryPrimitives.ReadInt32LittleEndian(segment);
        if (length is < 0 or > PayloadBytesMax || length > segment.Length - HeaderBytes)
            return false;
        ReadOnlySpan<byte> read = segment.Slice(HeaderBytes, length);
        if (Crc32C.Of(read) != BinaryPrimitives.ReadUInt32LittleEndian(segment[4..]))
            return false;
        payload = read;
        return true;
    }

    /// <summary>The decision's id: its first field.</summary>
    public static string IdOf(ReadOnlySpan<byte> payload) =>
        payload is [IdTag, var length, ..] && length <= payload.Length - 2
            ? Encoding.UTF8.GetString(payload.Slice(2, length))
            : "";

    /// <summary>Bytes from the start that are whole records.</summary>
    public static int WholeBytes(ReadOnlySpan<byte> segment)
    {
        int at = 0;
        while (TryRead(segment[at..], out ReadOnlySpan<byte> payload))
            at += HeaderBytes + payload.Length;
        return at;
    }
}
