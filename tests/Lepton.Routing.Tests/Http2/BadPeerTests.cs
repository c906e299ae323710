using Lepton.Routing.Http2;

namespace Lepton.Routing.Tests.Http2;

/// <summary>Peers that break the protocol, by hand and by chance: a request fails, and nothing else does.</summary>
public sealed class BadPeerTests
{
    private static byte[] Frame(int length, int type, int flags, int stream, params byte[] payload) =>
        [0, (byte)(length >> 8), (byte)length, (byte)type, (byte)flags, 0, 0, 0, (byte)stream, .. payload];

    /// <summary>What the peer says, and the error that it is told.</summary>
    public static TheoryData<string, byte[], int> Faults => new()
    {
        { "a frame too long", [0, 0x40, 1, 0, 0, 0, 0, 0, 1], 6 },
        { "a promise", Frame(4, 5, 4, 1, 0, 0, 0, 2), 1 },
        { "a ping too short", Frame(1, 6, 0, 0, 0), 6 },
        { "a ping of a stream", Frame(8, 6, 0, 1, new byte[8]), 1 },
        { "settings of odd length", Frame(5, 4, 0, 0, new byte[5]), 6 },
        { "settings of a stream", Frame(0, 4, 0, 1), 1 },
        { "a window widened by nothing", Frame(4, 8, 0, 0, 0, 0, 0, 0), 1 },
        { "a window too wide", Frame(4, 8, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF), 3 },
        { "an initial window too wide", Frame(6, 4, 0, 0, 0, 4, 0xFF, 0xFF, 0xFF, 0xFF), 3 },
        { "data of no stream", Frame(1, 0, 0, 0, 1), 1 },
        { "data of a stream never opened", Frame(1, 0, 0, 99, 1), 1 },
        { "data of the peer's own stream", Frame(1, 0, 0, 2, 1), 1 },
        { "padding longer than its frame", Frame(2, 0, 8, 1, 9, 0), 1 },
        { "a continuation of nothing", Frame(1, 9, 4, 1, 0x88), 1 },
        { "a block interrupted", [.. Frame(1, 1, 0, 1, 0x88), .. Frame(8, 6, 0, 0, new byte[8])], 1 },
        { "an entry of a table that it must not have", Frame(1, 1, 4, 1, 0xFF - 1), 9 },
        { "a table set up", Frame(2, 1, 4, 1, 0x3F, 0x21), 9 },
        { "a text longer than its block", Frame(3, 1, 4, 1, 0x00, 0x05, (byte)'a'), 9 },
        { "an endless number", Frame(7, 1, 4, 1, 0x00, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF), 9 },
        { "an empty block that goes on", [.. Frame(1, 1, 0, 1, 0x88), .. Frame(0, 9, 0, 1)], 11 },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Connection_ProtocolBroken_EndsWithItsError(string what, byte[] said, int code)
    {
        await using ScriptedPeer peer = new();
        Task<Exchange> asked = peer.AskAsync();
        ScriptedConnection connection = await peer.AcceptAsync();
        Exchange exchange = await asked;
        await connection.RequestAsync();
        await connection.RawAsync(said);

        PeerException e = await Assert.ThrowsAsync<PeerException>(async () => await exchange.WaitAsync(int.MaxValue));
        Assert.True(e.Fault == PeerFault.ConnectionLost, what);
        Assert.Equal(code, (await connection.HearAsync(FrameType.GoAway)).Payload[7]);
        Assert.Null(await connection.HearAsync());
    }

    /// <summary>Blocks that HPACK allows and an answer does not.</summary>
    public static TheoryData<string, byte[]> Blocks => new()
    {
        { "no status", [0x00, 1, (byte)'a', 1, (byte)'b'] },
        { "status after a field", [0x00, 1, (byte)'a', 1, (byte)'b', 0x88] },
        { "two statuses", [0x88, 0x88] },
        { "status of letters", [0x08, 3, (byte)'a', (byte)'b', (byte)'c'] },
        { "a request's field", [0x88, 0x83] },
        { "capital letters", [0x88, 0x00, 1, (byte)'A', 1, (byte)'b'] },
        { "a line feed", [0x88, 0x00, 1, (byte)'a', 1, (byte)'\n'] },
        { "a field without a name", [0x88, 0x00, 0, 1, (byte)'b'] },
    };

    [Theory]
    [MemberData(nameof(Blocks))]
    public async Task Answer_FieldsAreNone_IsBrokenAndTheConnectionGoesOn(string what, byte[] block)
    {
        await using ScriptedPeer peer = new();
        Task<Exchange> asked = peer.AskAsync();
        ScriptedConnection connection = await peer.AcceptAsync();
        Exchange exchange = await asked;
        await connection.SayAsync(FrameType.Headers, FrameFlags.EndHeaders, await connection.RequestAsync(), block);
        PeerException e = await Assert.ThrowsAsync<PeerException>(async () => await exchange.WaitAsync(0));
        Assert.True(e.Fault == PeerFault.Broken, what);
        Assert.Equal((int)ErrorCode.Protocol, (await connection.HearAsync(FrameType.Reset)).Payload[3]);
        await AnswersAsync(peer, connection);
    }

    /// <summary>The block is longer than what is kept, by a little or by far.</summary>
    [Theory]
    [InlineData(5)]
    [InlineData(100)]
    public async Task Answer_HeaderBlockTooLong_IsBrokenAndTheConnectionGoesOn(int frames)
    {
        await using ScriptedPeer peer = new();
        (ScriptedConnection connection, Exchange exchange, int stream) = await BeginBlockAsync(peer);
        for (int i = 0; i < frames; i++)
            await connection.SayAsync(FrameType.Continuation, FrameFlags.None, stream, new byte[Limits.FrameBytesMax]);
        await connection.SayAsync(FrameType.Continuation, FrameFlags.EndHeaders, stream, new byte[1]);
        PeerException e = await Assert.ThrowsAsync<PeerException>(async () => await exchange.WaitAsync(0));
        Assert.Equal(PeerFault.Broken, e.Fault);
        Assert.Equal((int)ErrorCode.Protocol, (await connection.HearAsync(FrameType.Reset)).Payload[3]);
        await AnswersAsync(peer, connection);
    }

    [Fact]
    public async Task Answer_FieldsTooLong_IsBrokenAndTheConnectionGoesOn()
    {
        await using ScriptedPeer peer = new();
        (ScriptedConnection connection, Exchange exchange, int stream) = await BeginBlockAsync(peer);
        // Empty values of one name: a byte or two each, and 32 more by the protocol's count.
        byte[] fields = [.. Enumerable.Repeat<byte[]>([0x00, 1, (byte)'a', 0], 2500).SelectMany(f => f)];
        await connection.SayAsync(FrameType.Continuation, FrameFlags.EndHeaders, stream, fields);
        Assert.Equal(PeerFault.Broken,
            (await Assert.ThrowsAsync<PeerException>(async () => await exchange.WaitAsync(0))).Fault);
        await AnswersAsync(peer, connection);
    }

    [Fact]
    public async Task Answer_HeaderBlockWithoutEnd_EndsTheConnection()
    {
        await using ScriptedPeer peer = new();
        (ScriptedConnection connection, Exchange exchange, int stream) = await BeginBlockAsync(peer);
        Task<PeerException> ended = Assert.ThrowsAsync<PeerException>(async () => await exchange.WaitAsync(0));
        try
        {
            for (int i = 0; i <= Limits.HeaderBytesPassedOverMax / Limits.FrameBytesMax; i++)
                await connection.SayAsync(FrameType.Continuation, FrameFlags.None, stream,
                    new byte[Limits.FrameBytesMax]);
        }
        catch (IOException)
        {
            // It has closed already.
        }
        Assert.Equal(PeerFault.ConnectionLost, (await ended).Fault);
        Assert.Null(peer.Link.Ready);
    }

    private static async Task<(ScriptedConnection, Exchange, int Stream)> BeginBlockAsync(ScriptedPeer peer)
    {
        Task<Exchange> asked = peer.AskAsync();
        ScriptedConnection connection = await peer.AcceptAsync();
        Exchange exchange = await asked;
        int stream = await connection.RequestAsync();
        await connection.SayAsync(FrameType.Headers, FrameFlags.None, stream, ScriptedConnection.Head());
        return (connection, exchange, stream);
    }

    private static async Task AnswersAsync(ScriptedPeer peer, ScriptedConnection connection)
    {
        Exchange next = await peer.AskAsync();
        await connection.AnswerAsync(await connection.RequestAsync(), [1]);
        await next.WaitAsync(int.MaxValue);
    }

    [Fact]
    public async Task Connection_RandomFrames_FailsRequestsAndNothingElse()
    {
        int seed = Random.Shared.Next();
        Random random = new(seed);
        for (int round = 0; round < 60; round++)
        {
            await using ScriptedPeer peer = new();
            Task<Exchange> asked = peer.AskAsync();
            ScriptedConnection connection = await peer.AcceptAsync();
            Exchange exchange = await asked;
            await connection.RequestAsync();
            try
            {
                for (int i = 0; i < 20; i++)
                    await connection.RawAsync(Chance(random));
            }
            catch (IOException)
            {
                // It has had enough of us.
            }
            connection.Dispose();
            try
            {
                await exchange.WaitAsync(int.MaxValue).AsTask().WaitAsync(TimeSpan.FromSeconds(20));
            }
            catch (PeerException)
            {
                // As it should: anything else fails the test.
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, round {round}: {e}");
            }
            exchange.Dispose();
        }
    }

    // Mostly sound frames of the one stream, with damage here and there.
    private static byte[] Chance(Random random)
    {
        byte[] payload = random.Next(4) switch
        {
            0 => ScriptedConnection.Head(),
            1 => ScriptedConnection.Trailers(),
            _ => new byte[random.Next(64)],
        };
        if (random.Next(3) == 0)
            random.NextBytes(payload);
        byte[] frame = Frame(payload.Length, random.Next(11), random.Next(64), random.Next(3), payload);
        if (random.Next(8) == 0)
            frame[random.Next(frame.Length)] = (byte)random.Next(256);
        return frame;
    }
}
