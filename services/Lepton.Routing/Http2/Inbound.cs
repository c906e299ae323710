using System.Buffers.Binary;

namespace Lepton.Routing.Http2;

/// <summary>Reads a connection's frames and tells the connection and its exchanges what they say.</summary>
internal sealed class Inbound(Http2Connection connection, Stream stream)
{
    private readonly HeaderDecoder _decoder = new();
    private byte[] _buffer = new byte[64 << 10];
    private int _start, _end;
    private bool _greeted;

    // A header block in several frames; nothing else may come in between. What is longer than an answer's fields may be
    // is counted and not kept: blocks stand for themselves, so that its stream can be ended and the connection goes on.
    private byte[]? _block;
    private int _blockLength, _blockStream;
    private bool _blockEnds;

    /// <summary>Until the connection ends, which it sees to.</summary>
    public async Task RunAsync()
    {
        try
        {
            while (true)
            {
                int read = await stream.ReadAsync(_buffer.AsMemory(_end));
                if (read == 0)
                    throw new IOException("The peer closed the connection.");
                _end += read;
                connection.Heard();
                while (TryTake())
                {
                }
                Compact();
            }
        }
        catch (Http2Exception e)
        {
            connection.Close(e, e.Code);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            connection.Close(e);
        }
    }

    private bool TryTake()
    {
        if (_end - _start < FrameHeader.Bytes)
            return false;
        FrameHeader frame = FrameHeader.Read(_buffer.AsSpan(_start));
        if (frame.Length > Limits.FrameBytesMax)
            throw new Http2Exception(ErrorCode.FrameSize, $"A frame of {frame.Length} bytes came.");
        if (_end - _start < FrameHeader.Bytes + frame.Length)
            return false;
        ReadOnlySpan<byte> payload = _buffer.AsSpan(_start + FrameHeader.Bytes, frame.Length);
        _start += FrameHeader.Bytes + frame.Length;
        Dispatch(frame, payload);
        return true;
    }

    private void Compact()
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
    }

    private void Dispatch(FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        Demand(_greeted || (frame.Type == FrameType.Settings && !frame.Has(FrameHeader.Ack)), "no settings came first");
        Demand(_block is null || (frame.Type == FrameType.Continuation && frame.Stream == _blockStream),
            "a header block was interrupted");
        switch (frame.Type)
        {
            case FrameType.Data:
                TakeData(frame, payload);
                break;
            case FrameType.Headers:
                TakeHeaders(frame, Unpadded(frame, payload));
                break;
            case FrameType.Continuation:
                Demand(_block is not null, "a header block goes on that never began");
                AddToBlock(payload, frame.Has(FrameFlags.EndHeaders));
                break;
            case FrameType.Reset:
                Demand(frame.Stream != 0, "a reset names no stream");
                DemandLength(payload.Length == 4);
                TakeReset(frame.Stream, (ErrorCode)BinaryPrimitives.ReadInt32BigEndian(payload));
                break;
            case FrameType.Settings:
                TakeSettings(frame, payload);
                break;
            case FrameType.PushPromise:
                throw new Http2Exception(ErrorCode.Protocol, "The peer pushes, which it was told not to.");
            case FrameType.Ping:
                Demand(frame.Stream == 0, "a ping names a stream");
                DemandLength(payload.Length == 8);
                if (!frame.Has(FrameHeader.Ack))
                    connection.OnPing(payload);
                break;
            case FrameType.GoAway:
                Demand(frame.Stream == 0, "a farewell names a stream");
                DemandLength(payload.Length >= 8);
                connection.OnGoAway(BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue,
                    (ErrorCode)BinaryPrimitives.ReadInt32BigEndian(payload[4..]));
                break;
            case FrameType.WindowUpdate:
                TakeWindowUpdate(frame, payload);
                break;
        }
    }

    private void TakeSettings(FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        Demand(frame.Stream == 0, "settings name a stream");
        DemandLength(payload.Length % 6 == 0 && (!frame.Has(FrameHeader.Ack) || payload.IsEmpty));
        _greeted = true;
        if (!frame.Has(FrameHeader.Ack))
            connection.OnSettings(payload);
    }

    private void TakeWindowUpdate(FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        DemandLength(payload.Length == 4);
        int more = BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue;
        Demand(more > 0, "a window is widened by nothing");
        connection.OnWindowUpdate(frame.Stream, more);
    }

    private void TakeData(FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        Demand(frame.Stream != 0, "data names no stream");
        ReadOnlySpan<byte> body = Unpadded(frame, payload);
        int padding = payload.Length - body.Length;
        if (connection.Find(frame.Stream) is not { } exchange)
        {
            connection.Taken(payload.Length);
            return;
        }
        bool ends = frame.Has(FrameFlags.EndStream);
        if (ends)
            connection.Ended(exchange); // first: who is woken finds the stream gone, and resets nothing
        ErrorCode error = exchange.OnData(body, padding, ends);
        if (error != ErrorCode.None)
            Break(exchange, error, "An answer's data came out of order.");
    }

    private void TakeHeaders(FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        Demand(frame.Stream != 0, "a header block names no stream");
        if (frame.Has(FrameFlags.Priority))
        {
            DemandLength(payload.Length >= 5);
            payload = payload[5..];
        }
        (_blockStream, _blockEnds) = (frame.Stream, frame.Has(FrameFlags.EndStream));
        if (frame.Has(FrameFlags.EndHeaders))
        {
            TakeFields(_decoder.Decode(payload));
            return;
        }
        (_block, _blockLength) = (new byte[Limits.HeaderBytesMax], 0);
        AddToBlock(payload, isLast: false);
    }

    private void AddToBlock(ReadOnlySpan<byte> part, bool isLast)
    {
        // An empty part that is not the last is a way to send for ever and say nothing.
        if (_block is not { } block || _blockLength + part.Length > Limits.HeaderBytesPassedOverMax
            || (part.IsEmpty && !isLast))
            throw new Http2Exception(ErrorCode.EnhanceYourCalm, "A header block does not end.");
        if (_blockLength + part.Length <= block.Length)
            part.CopyTo(block.AsSpan(_blockLength));
        _blockLength += part.Length;
        if (!isLast)
            return;
        _block = null;
        TakeFields(_blockLength <= block.Length ? _decoder.Decode(block.AsSpan(0, _blockLength)) : null);
    }

    /// <param name="fields">Null: the block has none that an answer may have, or too many.</param>
    private void TakeFields(FieldList? fields)
    {
        if (connection.Find(_blockStream) is not { } exchange)
            return;
        if (_blockEnds)
            connection.Ended(exchange);
        if (fields is null || !exchange.OnFields(fields, _blockEnds))
            Break(exchange, ErrorCode.Protocol, "An answer's fields are none, or too long.");
    }

    private void TakeReset(int stream, ErrorCode code)
    {
        if (connection.Find(stream) is not { } exchange)
            return;
        exchange.Fail(code == ErrorCode.RefusedStream
            ? new PeerException(PeerFault.RefusedStream, "The peer refused the stream.")
            : new PeerException(PeerFault.Broken, $"The peer reset the stream ({code})."));
        connection.Remove(exchange);
    }

    private void Break(Exchange exchange, ErrorCode code, string message)
    {
        connection.Reset(exchange, code);
        exchange.Fail(new PeerException(PeerFault.Broken, message));
    }

    private static ReadOnlySpan<byte> Unpadded(FrameHeader frame, ReadOnlySpan<byte> payload)
    {
        if (!frame.Has(FrameFlags.Padded))
            return payload;
        Demand(payload.Length > 0 && payload[0] < payload.Length, "the padding is longer than its frame");
        return payload[1..^payload[0]];
    }

    private static void Demand(bool holds, string fault)
    {
        if (!holds)
            throw new Http2Exception(ErrorCode.Protocol, $"The peer breaks HTTP/2: {fault}.");
    }

    private static void DemandLength(bool holds)
    {
        if (!holds)
            throw new Http2Exception(ErrorCode.FrameSize, "The peer breaks HTTP/2: a frame's length is wrong.");
    }
}
