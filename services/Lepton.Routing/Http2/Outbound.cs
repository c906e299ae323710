using System.Buffers.Binary;

namespace Lepton.Routing.Http2;

/// <summary>
/// What a connection says: frames, and the windows that bound what it may say. Every member is called under the
/// connection's lock.
/// </summary>
internal sealed class Outbound(Output output)
{
    private readonly List<Exchange> _blocked = [];
    private int _window = Limits.DefaultWindow;
    private int _initialWindow = Limits.DefaultWindow;

    public bool IsFlushed => output.Pending == 0;

    /// <summary>The preface, our settings, and a window for all answers together.</summary>
    public void Greet()
    {
        output.Raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        ReadOnlySpan<(Setting Key, int Value)> ours =
        [
            (Setting.HeaderTableSize, 0), (Setting.EnablePush, 0), (Setting.InitialWindow, Limits.StreamWindow),
            (Setting.HeaderListBytesMax, Limits.HeaderBytesMax),
        ];
        Span<byte> settings = output.Frame(FrameType.Settings, FrameFlags.None, 0, 6 * ours.Length);
        for (int i = 0; i < ours.Length; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(settings[(6 * i)..], (ushort)ours[i].Key);
            BinaryPrimitives.WriteInt32BigEndian(settings[((6 * i) + 2)..], ours[i].Value);
        }
        Widen(0, Limits.ConnectionWindow - Limits.DefaultWindow);
        output.Flush();
    }

    /// <summary>Starts a request: head and body, as far as the windows allow, in one piece.</summary>
    public int Open(Exchange exchange, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body, bool end)
    {
        exchange.SendWindow = _initialWindow;
        FrameType type = FrameType.Headers;
        do
        {
            ReadOnlySpan<byte> part = head[..Math.Min(head.Length, Limits.FrameBytesMax)];
            head = head[part.Length..];
            part.CopyTo(output.Frame(type, head.IsEmpty ? FrameFlags.EndHeaders : FrameFlags.None, exchange.Id,
                part.Length));
            type = FrameType.Continuation;
        }
        while (!head.IsEmpty);
        return Send(exchange, body, end);
    }

    /// <summary>Sends of a body what the windows allow, and says how much that was.</summary>
    public int Send(Exchange exchange, ReadOnlySpan<byte> body, bool end)
    {
        int room = Math.Min(Math.Min(exchange.SendWindow, _window), Limits.OutputBytesMax - output.Pending);
        int sent = Math.Clamp(room, 0, body.Length);
        exchange.IsSent = end && sent == body.Length;
        (exchange.SendWindow, _window) = (exchange.SendWindow - sent, _window - sent);
        int at = 0;
        while (at < sent || (exchange.IsSent && body.IsEmpty))
        {
            ReadOnlySpan<byte> part = body[at..Math.Min(sent, at + Limits.FrameBytesMax)];
            at += part.Length;
            FrameFlags flags = exchange.IsSent && at == sent ? FrameFlags.EndStream : FrameFlags.None;
            part.CopyTo(output.Frame(FrameType.Data, flags, exchange.Id, part.Length));
            if (part.IsEmpty)
                break;
        }
        output.Flush();
        return sent;
    }

    /// <summary>Completes when there may be more room for its body; it has to look again.</summary>
    public Task Block(Exchange exchange)
    {
        exchange.Room = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _blocked.Add(exchange);
        return exchange.Room.Task;
    }

    /// <summary>Wakes who waits for room; null: all.</summary>
    public void Wake(Exchange? one)
    {
        if (_blocked.Count == 0 || (one is not null && one.Room is null))
            return;
        for (int i = _blocked.Count - 1; i >= 0; i--)
        {
            Exchange exchange = _blocked[i];
            if (one is not null && !ReferenceEquals(one, exchange))
                continue;
            _blocked.RemoveAt(i);
            exchange.Room?.TrySetResult();
            exchange.Room = null;
        }
    }

    /// <summary>The peer lets us send more.</summary>
    public void OnWindow(Exchange? exchange, int more)
    {
        if (exchange is null)
            _window = Sum(_window, more);
        else
            exchange.SendWindow = Sum(exchange.SendWindow, more);
        Wake(exchange);
    }

    /// <summary>The peer sets what a stream may send at first; for open ones it counts too.</summary>
    public void OnInitialWindow(uint window, IEnumerable<Exchange> open)
    {
        if (window > Limits.WindowMax)
            throw new Http2Exception(ErrorCode.FlowControl, "The initial window is too wide.");
        foreach (Exchange exchange in open)
            exchange.SendWindow = Sum(exchange.SendWindow, (int)window - _initialWindow);
        _initialWindow = (int)window;
        Wake(null);
    }

    public void Widen(int stream, int by) => Integer(FrameType.WindowUpdate, stream, by);

    public void Reset(int stream, ErrorCode code)
    {
        Integer(FrameType.Reset, stream, (int)code);
        output.Flush();
    }

    public void Ping()
    {
        output.Frame(FrameType.Ping, FrameFlags.None, 0, 8).Clear();
        output.Flush();
    }

    /// <summary>Answers a ping or settings.</summary>
    public void Acknowledge(FrameType type, ReadOnlySpan<byte> payload)
    {
        // As many frames as the peer sends: who asks and reads no answer is cut off.
        if (output.Pending > 2 * Limits.OutputBytesMax)
            throw new Http2Exception(ErrorCode.EnhanceYourCalm, "The peer does not read what it asks for.");
        payload.CopyTo(output.Frame(type, FrameHeader.Ack, 0, payload.Length));
        output.Flush();
    }

    public void GoAway(ErrorCode code)
    {
        Span<byte> payload = output.Frame(FrameType.GoAway, FrameFlags.None, 0, 8);
        BinaryPrimitives.WriteInt32BigEndian(payload, 0); // it opened no streams
        BinaryPrimitives.WriteInt32BigEndian(payload[4..], (int)code);
        output.Flush();
    }

    public void Flush() => output.Flush();

    private void Integer(FrameType type, int stream, int value) =>
        BinaryPrimitives.WriteInt32BigEndian(output.Frame(type, FrameFlags.None, stream, 4), value);

    private static int Sum(int window, int more) => window + (long)more <= Limits.WindowMax
        ? window + more
        : throw new Http2Exception(ErrorCode.FlowControl, "A window is too wide.");
}
