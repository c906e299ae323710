using System.Buffers;
using Lepton.Routing.Http2;

namespace Lepton.Routing.Tests.Http2;

/// <summary>What becomes of a request whose peer does this or that, over real sockets.</summary>
public sealed class ExchangeTests
{
    private static async Task<(PeerFault Fault, string Message)> FaultOfAsync(Exchange exchange)
    {
        PeerException e = await Assert.ThrowsAsync<PeerException>(async () => await exchange.WaitAsync(int.MaxValue));
        return (e.Fault, e.Message);
    }

    private static byte[] Take(Exchange exchange)
    {
        ArrayBufferWriter<byte> taken = new();
        exchange.Take(taken);
        return taken.WrittenSpan.ToArray();
    }

    // Accepting and connecting need each other.
    private static async Task<(ScriptedConnection, Exchange)> StartAsync(
        ScriptedPeer peer, byte[]? body = null, params (Setting, int)[] settings)
    {
        Task<Exchange> asked = peer.AskAsync(body);
        ScriptedConnection connection = await peer.AcceptAsync(settings);
        return (connection, await asked);
    }

    [Fact]
    public async Task WaitAsync_WholeAnswer_HasHeadBodyAndTrailers()
    {
        await using ScriptedPeer peer = new();
        (ScriptedConnection connection, Exchange exchange) = await StartAsync(peer);
        await connection.AnswerAsync(await connection.RequestAsync(), [9, 8, 7]);
        await exchange.WaitAsync(int.MaxValue);

        Assert.Equal((200, "application/grpc", "0"), (exchange.Head!.Status, exchange.Head.Find("content-type"),
            exchange.Trailers!.Find("grpc-status")));
        Assert.Equal([9, 8, 7], Take(exchange));
        Assert.True(exchange.IsEnded);
        exchange.Dispose();
        Assert.Equal(1, peer.Open);
    }

    [Fact]
    public async Task WaitAsync_PaddedInformationalAndUnknownFrames_ChangeNothing()
    {
        await using ScriptedPeer peer = new();
        (ScriptedConnection connection, Exchange exchange) = await StartAsync(peer);
        int stream = await connection.RequestAsync();
        HeaderBlock early = new();
        early.AddMade([0x08, 3, (byte)'1', (byte)'0', (byte)'3']);
        await connection.SayAsync(FrameType.Headers, FrameFlags.EndHeaders, stream, early.Bytes.ToArray());
        await connection.SayAsync((FrameType)77, (FrameFlags)0xFF, stream, new byte[5]);
        byte[] head = ScriptedConnection.Head();
        await connection.SayAsync(FrameType.Headers, FrameFlags.None, stream, head.AsMemory(0, 1));
        await connection.SayAsync(FrameType.Continuation, FrameFlags.EndHeaders, stream, head.AsMemory(1));
        await connection.SayAsync(FrameType.Data, FrameFlags.Padded, stream, (byte[])[2, 5, 6, 0, 0]);
        await connection.SayAsync(FrameType.Headers,
            FrameFlags.EndHeaders | FrameFlags.EndStream | FrameFlags.Padded | FrameFlags.Priority, stream,
            (byte[])[1, 0, 0, 0, 0, 0, .. ScriptedConnection.Trailers(), 0]);
        await exchange.WaitAsync(int.MaxValue);

        Assert.Equal([5, 6], Take(exchange));
        Assert.Equal("0", exchange.Trailers!.Find("grpc-status"));
    }

    [Fact]
    public async Task GoAway_MidFlight_EndsWhatWasNotTakenAndLetsTheRestGoOn()
    {
        await using ScriptedPeer peer = new();
        (ScriptedConnection connection, Exchange first) = await StartAsync(peer);
        Exchange second = await peer.AskAsync();
        int stream = await connection.RequestAsync();
        await connection.RequestAsync();
        await connection.SayAsync(FrameType.GoAway, FrameFlags.None, 0, (byte[])[0, 0, 0, (byte)stream, 0, 0, 0, 0]);

        Assert.Equal(PeerFault.Unprocessed, (await FaultOfAsync(second)).Fault);
        Assert.Null(peer.Link.Ready);
        await connection.AnswerAsync(stream, [1]);
        await first.WaitAsync(int.MaxValue);
        Assert.Equal([1], Take(first));
        while (await connection.HearAsync() is not null) // it closes when the last answer is there
        {
        }

        (ScriptedConnection next, Exchange third) = await StartAsync(peer);
        await next.AnswerAsync(await next.RequestAsync(), [3]);
        await third.WaitAsync(int.MaxValue);
    }

    [Theory]
    [InlineData(7, nameof(PeerFault.RefusedStream))]
    [InlineData(0, nameof(PeerFault.Broken))]
    [InlineData(2, nameof(PeerFault.Broken))]
    [InlineData(8, nameof(PeerFault.Broken))]
    public async Task Reset_AnyCode_FailsThatStreamOnly(int code, string fault)
    {
        await using ScriptedPeer peer = new();
        (ScriptedConnection connection, Exchange first) = await StartAsync(peer);
        Exchange second = await peer.AskAsync();
        await connection.SayAsync(FrameType.Reset, FrameFlags.None, await connection.RequestAsync(),
            (byte[])[0, 0, 0, (byte)code]);
        Assert.Equal(fault, (await FaultOfAsync(first)).Fault.ToString());

        await connection.AnswerAsync(await connection.RequestAsync(), [2]);
        await second.WaitAsync(int.MaxValue);
        Assert.Equal([2], Take(second));
    }

    [Fact]
    public async Task Connection_DiesMidFlight_FailsWhatIsUnderWayAndIsForgotten()
    {
        await using ScriptedPeer peer = new();
        (ScriptedConnection connection, Exchange exchange) = await StartAsync(peer);
        await connection.RequestAsync();
        connection.Dispose();
        Assert.Equal(PeerFault.ConnectionLost, (await FaultOfAsync(exchange)).Fault);
        Assert.Null(peer.Link.Ready);
    }

    [Fact]
    public async Task GetAsync_NobodyListens_IsNotConnected()
    {
        using PeerLink link =
            new(_ => throw new System.Net.Sockets.SocketException(111), _ => { }, TimeProvider.System);
        PeerException e = await Assert.ThrowsAsync<PeerException>(async () => await link.GetAsync(default));
        Assert.Equal(PeerFault.NotConnected, e.Fault);
    }

    [Fact]
    public async Task GetAsync_PeerSpeaksNoHttp2_IsNotConnected()
    {
        await using ScriptedPeer peer = new();
        Task<Exchange> asked = peer.AskAsync();
        ScriptedConnection connection = await peer.AcceptSilentlyAsync();
        await connection.RawAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());
        Assert.Equal(PeerFault.NotConnected, (await Assert.ThrowsAsync<PeerException>(() => asked)).Fault);
    }

    [Fact]
    public async Task CancelOn_Cancelled_TellsThePeer()
    {
        await using ScriptedPeer peer = new();
        (ScriptedConnection connection, Exchange exchange) = await StartAsync(peer);
        int stream = await connection.RequestAsync();
        using CancellationTokenSource source = new();
        exchange.CancelOn(source.Token);
        ValueTask waiting = exchange.WaitAsync(int.MaxValue);
        await source.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await waiting);

        (FrameHeader head, byte[] payload) = await connection.HearAsync(FrameType.Reset);
        Assert.Equal((stream, 8), (head.Stream, payload[3]));
        await connection.AnswerAsync(stream, [1]); // late: nobody's
        Exchange next = await peer.AskAsync();
        await connection.AnswerAsync(await connection.RequestAsync(), [4]);
        await next.WaitAsync(int.MaxValue);
        Assert.Equal([4], Take(next));
    }

    [Fact]
    public async Task Body_LargerThanTheWindow_GoesAsThePeerWidensIt()
    {
        await using ScriptedPeer peer = new();
        (ScriptedConnection connection, Exchange exchange) =
            await StartAsync(peer, new byte[100_000], (Setting.InitialWindow, 10));
        (FrameHeader head, _) = await connection.HearAsync(FrameType.Data);
        Assert.Equal((10, false), (head.Length, head.Has(FrameFlags.EndStream)));
        Exchange other = await peer.AskAsync([1, 2]); // a stalled body holds up no other
        Assert.Equal(other.Id, await connection.RequestAsync());

        await connection.SayAsync(FrameType.WindowUpdate, FrameFlags.None, exchange.Id, (byte[])[0, 0, 0, 20]);
        Assert.Equal(20, (await connection.HearAsync(FrameType.Data)).Head.Length);
        await connection.SayAsync(FrameType.WindowUpdate, FrameFlags.None, exchange.Id, (byte[])[0, 1, 0x86, 0xA0]);
        await connection.SayAsync(FrameType.WindowUpdate, FrameFlags.None, 0, (byte[])[0, 1, 0x86, 0xA0]);
        Assert.Equal(exchange.Id, await connection.RequestAsync());
        Assert.Equal(100_000, connection.Bodies[exchange.Id]);
    }

    [Fact]
    public async Task Answer_LargerThanTheWindow_GoesOnAsItIsTaken()
    {
        await using ScriptedPeer peer = new();
        (ScriptedConnection connection, Exchange exchange) = await StartAsync(peer);
        int stream = await connection.RequestAsync();
        await connection.SayAsync(FrameType.Headers, FrameFlags.EndHeaders, stream, ScriptedConnection.Head());
        int window = Limits.StreamWindow, sent = 0, taken = 0;
        while (sent < 3 * Limits.StreamWindow)
        {
            for (; window >= Limits.FrameBytesMax; window -= Limits.FrameBytesMax, sent += Limits.FrameBytesMax)
                await connection.SayAsync(FrameType.Data, FrameFlags.None, stream, new byte[Limits.FrameBytesMax]);
            await exchange.WaitAsync(sent - taken);
            taken += Take(exchange).Length;
            (FrameHeader head, byte[] more) = await connection.HearAsync(FrameType.WindowUpdate);
            if (head.Stream == stream)
                window += System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(more);
        }
        Assert.Equal(sent, taken);
    }

    [Fact]
    public async Task Answer_OverTheWindow_IsBroken()
    {
        await using ScriptedPeer peer = new();
        (ScriptedConnection connection, Exchange exchange) = await StartAsync(peer);
        int stream = await connection.RequestAsync();
        await connection.SayAsync(FrameType.Headers, FrameFlags.EndHeaders, stream, ScriptedConnection.Head());
        for (int sent = 0; sent <= Limits.StreamWindow; sent += Limits.FrameBytesMax)
            await connection.SayAsync(FrameType.Data, FrameFlags.None, stream, new byte[Limits.FrameBytesMax]);
        Assert.Equal(PeerFault.Broken, (await FaultOfAsync(exchange)).Fault);
        Assert.Equal((int)ErrorCode.FlowControl, (await connection.HearAsync(FrameType.Reset)).Payload[3]);
    }

    [Fact]
    public async Task Open_AllStreamsTaken_OpensAnotherConnection()
    {
        await using ScriptedPeer peer = new();
        (ScriptedConnection one, Exchange first) = await StartAsync(peer, null, (Setting.ConcurrentStreamsMax, 1));
        (ScriptedConnection two, Exchange second) = await StartAsync(peer, null, (Setting.ConcurrentStreamsMax, 1));
        Assert.Equal(2, peer.Open);
        await two.AnswerAsync(await two.RequestAsync(), [2]);
        await second.WaitAsync(int.MaxValue);
        await one.AnswerAsync(await one.RequestAsync(), [1]);
        await first.WaitAsync(int.MaxValue);
        Assert.Equal([1, 2], [.. Take(first), .. Take(second)]);
    }

    [Fact]
    public async Task Ping_OfThePeer_IsAnswered()
    {
        await using ScriptedPeer peer = new();
        (ScriptedConnection connection, _) = await StartAsync(peer);
        await connection.SayAsync(FrameType.Ping, FrameFlags.None, 0, (byte[])[1, 2, 3, 4, 5, 6, 7, 8]);
        (FrameHeader head, byte[] payload) = await connection.HearAsync(FrameType.Ping);
        Assert.True(head.Has(FrameHeader.Ack));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], payload);
    }
}
