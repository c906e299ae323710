using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Lepton.Wan;

namespace Lepton.Eng.Tests.Wan;

public sealed class WanRelayTests : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan RoundTrip = TimeSpan.FromMilliseconds(60);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TcpListener target = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource limit = new(Patience);
    private WanRelay relay = null!;

    public Task InitializeAsync()
    {
        target.Start();
        relay = Relay((IPEndPoint)target.LocalEndpoint);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await relay.DisposeAsync();

    public void Dispose()
    {
        target.Dispose();
        limit.Dispose();
    }

    [Fact]
    public async Task Relay_Message_ArrivesHalfARoundTripLater()
    {
        var (near, far) = await ConnectAsync();
        var buffer = new byte[4];

        var started = Stopwatch.GetTimestamp();
        await near.SendAsync("ping"u8.ToArray(), limit.Token);
        await ReadAsync(far, buffer);
        var there = Stopwatch.GetElapsedTime(started);
        await far.SendAsync("pong"u8.ToArray(), limit.Token);
        await ReadAsync(near, buffer);
        var back = Stopwatch.GetElapsedTime(started);

        Assert.Equal("pong"u8.ToArray(), buffer);
        Assert.InRange(there, RoundTrip / 2, Patience);
        Assert.InRange(back, RoundTrip, Patience);
    }

    [Fact]
    public async Task Relay_MessagesUnderWay_DoNotWaitForEachOther()
    {
        var (near, far) = await ConnectAsync();
        const int messages = 500;
        near.NoDelay = true;

        var started = Stopwatch.GetTimestamp();
        for (var index = 0; index < messages; index++)
            await near.SendAsync(new byte[100], limit.Token);
        await ReadAsync(far, new byte[messages * 100]);

        // One after the other they would take 500 times the delay, 15 s.
        Assert.InRange(Stopwatch.GetElapsedTime(started), RoundTrip / 2, RoundTrip / 2 * messages / 2);
    }

    [Fact]
    public async Task Relay_ManyMegabytesBothWays_ArriveWholeAndInOrder()
    {
        var (near, far) = await ConnectAsync();
        // More than may be under way at once, so that back-pressure takes part.
        var there = RandomNumberGenerator.GetBytes(40 << 20);
        var back = RandomNumberGenerator.GetBytes(20 << 20);

        var sending = Task.WhenAll(SendAllAsync(near, there), SendAllAsync(far, back));
        var received = await Task.WhenAll(ReadToEndAsync(far), ReadToEndAsync(near));
        await sending;

        Assert.Equal(SHA256.HashData(there), SHA256.HashData(received[0]));
        Assert.Equal(SHA256.HashData(back), SHA256.HashData(received[1]));
    }

    [Fact]
    public async Task Relay_OneSideFinished_TheOtherGoesOn()
    {
        var (near, far) = await ConnectAsync();

        near.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await far.ReceiveAsync(new byte[1], limit.Token));
        await far.SendAsync("late"u8.ToArray(), limit.Token);
        far.Shutdown(SocketShutdown.Send);

        Assert.Equal("late"u8.ToArray(), await ReadToEndAsync(near));
    }

    [Fact]
    public async Task Relay_TargetBreaks_TheCallerLearnsOfIt()
    {
        var (near, far) = await ConnectAsync();

        far.LingerState = new LingerOption(true, 0);
        far.Dispose();

        await Assert.ThrowsAsync<SocketException>(async () => await ReadAsync(near, new byte[1]));
    }

    [Fact]
    public async Task Relay_NobodyListensAtTheTarget_TheCallerIsReset()
    {
        target.Stop();
        using var near = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        // The reset may come before the connecting side has noticed that it is connected.
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            await near.ConnectAsync(relay.EndPoint, limit.Token);
            await ReadAsync(near, new byte[1]);
        });
    }

    [Fact]
    public async Task Dispose_OpenConnections_AreCut()
    {
        var (near, _) = await ConnectAsync();

        await relay.DisposeAsync().AsTask().WaitAsync(limit.Token);

        await Assert.ThrowsAsync<SocketException>(async () => await ReadAsync(near, new byte[1]));
        relay = Relay((IPEndPoint)target.LocalEndpoint);
    }

    [Theory]
    [InlineData("7620=127.0.0.1:7440@80", 7620, 7440, 80)]
    [InlineData("0=localhost:1@0", 0, 1, 0)]
    public void Parse_Link_GivesItsParts(string text, int listen, int port, int roundTripMs) =>
        Assert.Equal(
            new WanLink(listen, new IPEndPoint(IPAddress.Loopback, port), TimeSpan.FromMilliseconds(roundTripMs)),
            WanLink.TryParse(text));

    [Theory]
    [InlineData("7620")]
    [InlineData("7620=127.0.0.1:7440")]
    [InlineData("7620=10.0.0.1:7440@80")]
    [InlineData("70000=127.0.0.1:7440@80")]
    [InlineData("7620=127.0.0.1:7440@-1")]
    [InlineData("7620=127.0.0.1:7440@99999")]
    public void Parse_AnythingElse_IsRefused(string text) => Assert.Null(WanLink.TryParse(text));

    private static WanRelay Relay(IPEndPoint target) =>
        new(new WanLink(0, target, RoundTrip), TimeProvider.System, _ => { });

    private async Task<(Socket Near, Socket Far)> ConnectAsync()
    {
        var near = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await near.ConnectAsync(relay.EndPoint, limit.Token);
        return (near, await target.AcceptSocketAsync(limit.Token));
    }

    private async Task ReadAsync(Socket socket, byte[] buffer)
    {
        for (var filled = 0; filled < buffer.Length;)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(filled), limit.Token);
            Assert.NotEqual(0, received);
            filled += received;
        }
    }

    private async Task<byte[]> ReadToEndAsync(Socket socket)
    {
        using var content = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int received; (received = await socket.ReceiveAsync(buffer, limit.Token)) > 0;)
            content.Write(buffer, 0, received);
        return content.ToArray();
    }

    private async Task SendAllAsync(Socket socket, ReadOnlyMemory<byte> content)
    {
        while (content.Length > 0)
            content = content[await socket.SendAsync(content, limit.Token)..];
        socket.Shutdown(SocketShutdown.Send);
    }
}
