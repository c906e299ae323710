using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Lepton.Routing.Http2;

namespace Lepton.Routing.Tests.Http2;

/// <summary>A server that says over a real socket what the test tells it to, right or wrong.</summary>
internal sealed class ScriptedPeer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<ScriptedConnection> _connections = [];

    public ScriptedPeer(TimeProvider? time = null)
    {
        _listener.Start();
        Link = new PeerLink(ConnectAsync, change => Open += change, time ?? TimeProvider.System);
    }

    /// <summary>The client's side.</summary>
    public PeerLink Link { get; }

    /// <summary>Connections that the client counts.</summary>
    public int Open { get; private set; }

    /// <summary>The next connection, after its preface and both sides' settings.</summary>
    public async Task<ScriptedConnection> AcceptAsync(params (Setting Key, int Value)[] settings)
    {
        ScriptedConnection connection = await AcceptSilentlyAsync();
        byte[] payload = new byte[6 * settings.Length];
        for (int i = 0; i < settings.Length; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(6 * i), (ushort)settings[i].Key);
            BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan((6 * i) + 2), settings[i].Value);
        }
        await connection.SayAsync(FrameType.Settings, FrameFlags.None, 0, payload);
        return connection;
    }

    /// <summary>The next connection, to which nothing was said yet.</summary>
    public async Task<ScriptedConnection> AcceptSilentlyAsync()
    {
        ScriptedConnection connection = new(await _listener.AcceptTcpClientAsync(Patience()));
        _connections.Add(connection);
        await connection.TakePrefaceAsync();
        return connection;
    }

    /// <summary>Sends a request as the gateway does.</summary>
    public async Task<Exchange> AskAsync(byte[]? body = null, bool end = true)
    {
        while (true)
        {
            Http2Connection connection = Link.Ready ?? await Link.GetAsync(Patience());
            Exchange exchange = new(connection);
            HeaderBlock head = new();
            head.Add(3);
            head.Add(6);
            head.Add(4, "/a");
            head.Add(1, "peer");
            int sent = connection.Open(exchange, head.Bytes, body ?? [1, 2, 3], end);
            if (sent < 0)
                continue;
            if (body is not null && sent < body.Length)
                _ = exchange.SendAsync(body.AsMemory(sent), end).AsTask();
            return exchange;
        }
    }

    public static CancellationToken Patience() => new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token;

    public ValueTask DisposeAsync()
    {
        Link.Dispose();
        foreach (ScriptedConnection connection in _connections)
            connection.Dispose();
        _listener.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<Stream> ConnectAsync(CancellationToken cancellation)
    {
        TcpClient client = new();
        await client.ConnectAsync((IPEndPoint)_listener.LocalEndpoint, cancellation);
        return client.GetStream();
    }
}

/// <summary>The server's end of one connection.</summary>
internal sealed class ScriptedConnection(TcpClient client) : IDisposable
{
    private readonly NetworkStream _stream = client.GetStream();
    private bool _isDisposed;

    /// <summary>Bytes of bodies that came, by stream.</summary>
    public Dictionary<int, int> Bodies { get; } = [];

    public async Task TakePrefaceAsync()
    {
        byte[] preface = new byte[24];
        await _stream.ReadExactlyAsync(preface, ScriptedPeer.Patience());
        Assert.Equal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, preface);
    }

    public async Task SayAsync(FrameType type, FrameFlags flags, int stream, ReadOnlyMemory<byte> payload)
    {
        byte[] head = new byte[FrameHeader.Bytes];
        new FrameHeader(payload.Length, type, flags, stream).Write(head);
        await _stream.WriteAsync((byte[])[.. head, .. payload.Span]);
    }

    public ValueTask RawAsync(byte[] bytes) => _stream.WriteAsync(bytes);

    /// <summary>The next frame; null: the client closed.</summary>
    public async Task<(FrameHeader Head, byte[] Payload)?> HearAsync()
    {
        byte[] head = new byte[FrameHeader.Bytes];
        try
        {
            if (await _stream.ReadAtLeastAsync(head, head.Length, false, ScriptedPeer.Patience()) < head.Length)
                return null;
            FrameHeader frame = FrameHeader.Read(head);
            byte[] payload = new byte[frame.Length];
            await _stream.ReadExactlyAsync(payload, ScriptedPeer.Patience());
            if (frame.Type == FrameType.Data)
                Bodies[frame.Stream] = Bodies.GetValueOrDefault(frame.Stream) + payload.Length;
            return (frame, payload);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Reads on to the next frame of that type.</summary>
    public async Task<(FrameHeader Head, byte[] Payload)> HearAsync(FrameType type)
    {
        while (true)
        {
            (FrameHeader Head, byte[] Payload) frame = await HearAsync()
                ?? throw new InvalidOperationException($"The client closed before a {type}.");
            if (frame.Head.Type == type && !(type == FrameType.Settings && frame.Head.Has(FrameHeader.Ack)))
                return frame;
        }
    }

    /// <summary>Reads on until a request has come to its end, and says which stream it is.</summary>
    public async Task<int> RequestAsync()
    {
        while (true)
        {
            (FrameHeader head, _) = await HearAsync() ?? throw new InvalidOperationException("The client closed.");
            if (head.Type is FrameType.Data or FrameType.Headers && head.Has(FrameFlags.EndStream))
                return head.Stream;
        }
    }

    /// <summary>A whole answer: head, body, trailers.</summary>
    public async Task AnswerAsync(int stream, byte[] body)
    {
        await SayAsync(FrameType.Headers, FrameFlags.EndHeaders, stream, Head());
        await SayAsync(FrameType.Data, FrameFlags.None, stream, body);
        await SayAsync(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream, stream, Trailers());
    }

    public static byte[] Head()
    {
        HeaderBlock block = new();
        block.Add(8);
        block.Add("content-type", "application/grpc");
        return block.Bytes.ToArray();
    }

    public static byte[] Trailers()
    {
        HeaderBlock block = new();
        block.Add("grpc-status", "0");
        return block.Bytes.ToArray();
    }

    /// <summary>As a killed process's: a reset, not a farewell.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        client.LingerState = new LingerOption(true, 0);
        client.Dispose();
    }
}
