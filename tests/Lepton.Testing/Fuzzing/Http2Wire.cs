using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Lepton.Testing.Fuzzing;

/// <summary>An HTTP/2 connection (RFC 9113) that sends frames as told, right or wrong, and notes what comes
/// back.</summary>
public sealed class Http2Wire : IAsyncDisposable
{
    /// <summary>Frame types.</summary>
    public const byte Data = 0, HeadersFrame = 1, Priority = 2, Reset = 3, Settings = 4, Ping = 6, GoAway = 7,
        WindowUpdate = 8, Continuation = 9;

    /// <summary>Flags of HEADERS and DATA.</summary>
    public const byte EndStream = 1, EndHeaders = 4, Padded = 8;

    private static readonly byte[] Preface = Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

    private readonly TcpClient tcp;
    private readonly SslStream tls;
    private readonly X509Certificate2 shown;
    private readonly ConcurrentDictionary<int, byte[]> heads = [];
    private readonly TaskCompletionSource<bool> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<int, TaskCompletionSource> answered = [];
    private Task reading = Task.CompletedTask;

    private Http2Wire(TcpClient tcp, SslStream tls, X509Certificate2 shown) =>
        (this.tcp, this.tls, this.shown) = (tcp, tls, shown);

    /// <summary>Ends when the server ended the connection, by GOAWAY with an error or by closing it.</summary>
    public Task Ended => ended.Task;

    /// <summary>Opens one; nothing is sent yet but TLS.</summary>
    public static async Task<Http2Wire> ConnectAsync(Uri address, X509Certificate2 shown)
    {
        ArgumentNullException.ThrowIfNull(address);
        var tcp = new TcpClient();
        await tcp.ConnectAsync(address.Host, address.Port);
        var tls = new SslStream(tcp.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = SslProtocols.Tls13,
            LocalCertificateSelectionCallback = (_, _, _, _, _) => shown,
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            RemoteCertificateValidationCallback = (_, _, _, _) => true, // what the server takes is the question here
        });
        var wire = new Http2Wire(tcp, tls, shown);
        wire.reading = wire.ReadAsync();
        return wire;
    }

    /// <summary>Sends preface and settings: no dynamic header table, so that answers can be read without one.</summary>
    public async Task BeginAsync()
    {
        await WriteAsync(Preface);
        await SendAsync(Settings, 0, 0, [0, 1, 0, 0, 0, 0]);
    }

    /// <summary>Sends bytes as they are. False: the server has closed.</summary>
    public async Task<bool> WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await tls.WriteAsync(bytes);
            return true;
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Sends a frame. False: the server has closed.</summary>
    public Task<bool> SendAsync(byte type, byte flags, int stream, ReadOnlySpan<byte> payload, int? announced = null) =>
        WriteAsync(Frame(type, flags, stream, payload, announced));

    /// <summary>A frame's bytes.</summary>
    public static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload, int? announced = null)
    {
        var length = announced ?? payload.Length;
        byte[] frame = [(byte)(length >> 16), (byte)(length >> 8), (byte)length, type, flags, 0, 0, 0, 0, .. payload];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        return frame;
    }

    /// <summary>A header block of literals (RFC 7541, 6.2.2).</summary>
    public static byte[] Block(params IEnumerable<(string Name, string Value)> headers)
    {
        List<byte> block = [];
        foreach (var (name, value) in headers)
        {
            block.Add(0);
            foreach (var text in (string[])[name, value])
            {
                // A length in a prefix of 7 bits: more than 126 goes on in bytes of 7 bits.
                var rest = text.Length - 127;
                block.Add((byte)Math.Min(text.Length, 127));
                for (; rest >= 0; rest = rest < 128 ? -1 : rest >> 7)
                    block.Add((byte)(rest < 128 ? rest : (rest & 127) | 128));
                block.AddRange(Encoding.Latin1.GetBytes(text));
            }
        }
        return [.. block];
    }

    /// <summary>Ends when a stream was answered, wholly or by a reset, or the connection ended.</summary>
    public Task AnsweredAsync(int stream) => Task.WhenAny(Ended, Answered(stream).Task);

    /// <summary>Was it served: did an answer with HTTP status 200 come that is no gRPC error?</summary>
    public bool IsServed(int stream) => heads.TryGetValue(stream, out var head) && head.FirstOrDefault(b =>
        b is < 0x20 or > 0x3F) == 0x88 && (Status(stream) ?? "0") == "0";

    /// <summary>The gRPC status that a stream was answered with; null: none.</summary>
    public string? Status(int stream)
    {
        if (!heads.TryGetValue(stream, out var head))
            return null;
        // Kestrel writes literals without Huffman coding: name, length, value.
        var at = head.AsSpan().IndexOf("grpc-status"u8);
        return at < 0 ? null : Encoding.ASCII.GetString(head, at + 12, head[at + 11]);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        tcp.Dispose();
        await reading;
        await tls.DisposeAsync();
        shown.Dispose();
    }

    private TaskCompletionSource Answered(int stream) => answered.GetOrAdd(stream,
        _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    private async Task ReadAsync()
    {
        var head = new byte[9];
        try
        {
            while (true)
            {
                await tls.ReadExactlyAsync(head);
                var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
                await tls.ReadExactlyAsync(payload);
                Take(head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)), payload);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException
            or InvalidOperationException)
        {
            ended.TrySetResult(true);
        }
    }

    private void Take(byte type, byte flags, int stream, byte[] payload)
    {
        if (type == HeadersFrame)
            heads.AddOrUpdate(stream, payload, (_, before) => [.. before, .. payload]); // trailers too
        if (type == GoAway && BinaryPrimitives.ReadInt32BigEndian(payload.AsSpan(4)) != 0)
            ended.TrySetResult(true);
        if (type == Reset || (type is HeadersFrame or Data && (flags & EndStream) != 0))
            Answered(stream).TrySetResult();
    }
}
