using System.Buffers.Binary;

namespace Lepton.Routing.Http2;

/// <summary>Frame types (RFC 9113, 6) that mean something here; all others are passed over, as it asks.</summary>
internal enum FrameType : byte
{
    Data = 0, Headers = 1, Priority = 2, Reset = 3, Settings = 4, PushPromise = 5, Ping = 6, GoAway = 7,
    WindowUpdate = 8, Continuation = 9,
}

/// <summary>Frame flags.</summary>
[Flags]
internal enum FrameFlags : byte
{
    None = 0, EndStream = 1, EndHeaders = 4, Padded = 8, Priority = 0x20,
}

/// <summary>Error codes (RFC 9113, 7).</summary>
internal enum ErrorCode
{
    None = 0, Protocol = 1, Internal = 2, FlowControl = 3, StreamClosed = 5, FrameSize = 6, RefusedStream = 7,
    Cancel = 8, Compression = 9, EnhanceYourCalm = 11,
}

/// <summary>Settings (RFC 9113, 6.5.2).</summary>
internal enum Setting : ushort
{
    HeaderTableSize = 1, EnablePush = 2, ConcurrentStreamsMax = 3, InitialWindow = 4, FrameBytesMax = 5,
    HeaderListBytesMax = 6,
}

/// <summary>The nine bytes before each frame's payload.</summary>
internal readonly record struct FrameHeader(int Length, FrameType Type, FrameFlags Flags, int Stream)
{
    public const int Bytes = 9;

    /// <summary>Of settings and pings, which end no stream: the same bit.</summary>
    public const FrameFlags Ack = FrameFlags.EndStream;

    public bool Has(FrameFlags flag) => (Flags & flag) != 0;

    public static FrameHeader Read(ReadOnlySpan<byte> from) => new(
        (from[0] << 16) | (from[1] << 8) | from[2], (FrameType)from[3], (FrameFlags)from[4],
        BinaryPrimitives.ReadInt32BigEndian(from[5..]) & int.MaxValue);

    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteInt32BigEndian(to, Length << 8); // the type's byte is written over the fourth
        to[3] = (byte)Type;
        to[4] = (byte)Flags;
        BinaryPrimitives.WriteInt32BigEndian(to[5..], Stream);
    }
}

/// <summary>What both ends must hold to, and what we let a peer do.</summary>
internal static class Limits
{
    public const int DefaultWindow = 65_535;
    public const int WindowMax = int.MaxValue;

    /// <summary>The largest frame either way: the protocol's default, which no peer may refuse.</summary>
    public const int FrameBytesMax = 16_384;

    /// <summary>Bytes of an answer that may come before somebody takes them.</summary>
    public const int StreamWindow = 1 << 20;

    /// <summary>The same for all answers of a connection together.</summary>
    public const int ConnectionWindow = 64 << 20;

    /// <summary>A header block, and the fields it says: trailers with error details are a few kilobytes.</summary>
    public const int HeaderBytesMax = 64 << 10;

    /// <summary>A longer block ends its stream; beyond this it ends the connection, which waits for its end.</summary>
    public const int HeaderBytesPassedOverMax = 16 << 20;

    /// <summary>Written and not yet taken by the socket: beyond it, bodies wait.</summary>
    public const int OutputBytesMax = 4 << 20;
}
