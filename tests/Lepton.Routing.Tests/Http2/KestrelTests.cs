using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Lepton.Routing.Http2;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lepton.Routing.Tests.Http2;

/// <summary>Our client and a server that is not ours.</summary>
public sealed class KestrelTests : IAsyncLifetime
{
    private readonly WebApplication _app;
    private PeerLink? _link;

    public KestrelTests()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        _app = builder.Build();
        _app.Run(EchoAsync);
    }

    public async Task InitializeAsync()
    {
        await _app.StartAsync();
        Uri url = new(_app.Services.GetRequiredService<IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses.Single());
        _link = new PeerLink(async cancellation =>
        {
            TcpClient client = new();
            await client.ConnectAsync(url.Host, url.Port, cancellation);
            return client.GetStream();
        }, _ => { }, TimeProvider.System);
    }

    public async Task DisposeAsync()
    {
        _link?.Dispose();
        await _app.DisposeAsync();
    }

    private static async Task EchoAsync(HttpContext http)
    {
        http.Response.ContentType = "application/grpc";
        await http.Request.Body.CopyToAsync(http.Response.Body, http.RequestAborted);
        http.Response.AppendTrailer("x-echo", http.Request.Headers["x-echo"].ToString());
        http.Response.AppendTrailer("grpc-status", "0");
    }

    [Fact]
    public async Task Exchange_ManyOfAllSizesAtOnce_ComeBackWhole()
    {
        int seed = Random.Shared.Next();
        Random random = new(seed);
        byte[][] bodies = [.. Enumerable.Range(0, 200).Select(i => new byte[i % 10 == 0 ? random.Next(3 << 20)
            : random.Next(40_000)])];
        foreach (byte[] body in bodies)
            random.NextBytes(body);
        byte[][] answers = await Task.WhenAll(bodies.Select((body, i) => EchoAsync(body, $"{i} {new string('x', i)}")));
        for (int i = 0; i < bodies.Length; i++)
            Assert.True(bodies[i].AsSpan().SequenceEqual(answers[i]), $"seed {seed}, body {i}");
    }

    /// <summary>A frame after a reset has Kestrel end the connection, and everybody's requests with it.</summary>
    [Fact]
    public async Task GiveUp_WhileOthersSendAndTake_EndsNoOtherRequest()
    {
        int seed = Random.Shared.Next();
        Random random = new(seed);
        Http2Connection connection = await _link!.GetAsync(CancellationToken.None);
        using Exchange held = new(connection);
        Assert.Equal(1, connection.Open(held, Head("held"), [1], end: false));
        await held.WaitAsync(1);

        for (int round = 0; round < 300; round++)
        {
            Exchange[] given = [.. Enumerable.Range(0, 8).Select(_ => new Exchange(connection))];
            await Task.WhenAll(given.Select(exchange => MistreatAsync(connection, exchange, random.Next(200))));
        }

        Assert.True(await held.SendAsync(new byte[] { 2 }, end: true), $"seed {seed}");
        await held.WaitAsync(int.MaxValue);
        Assert.Equal("0", held.Trailers!.Find("grpc-status"));
        Assert.Same(connection, _link.Ready);
    }

    // Sends, takes and gives up, all at once.
    private static async Task MistreatAsync(Http2Connection connection, Exchange exchange, int spins)
    {
        Assert.True(connection.Open(exchange, Head("x"), new byte[1000], end: false) >= 0, "the connection has gone");
        Task sending = Task.Run(async () =>
        {
            while (await exchange.SendAsync(new byte[100], end: false))
            {
            }
        });
        Task taking = Task.Run(async () =>
        {
            ArrayBufferWriter<byte> answer = new();
            try
            {
                while (true)
                {
                    await exchange.WaitAsync(1);
                    exchange.Take(answer);
                    answer.ResetWrittenCount();
                }
            }
            catch (OperationCanceledException)
            {
                // Given up.
            }
        });
        await Task.Run(async () =>
        {
            await Task.Yield();
            Thread.SpinWait(spins * 100);
            Parallel.Invoke(
                () => exchange.GiveUp(new OperationCanceledException()),
                () => exchange.GiveUp(new OperationCanceledException()));
        });
        await Task.WhenAll(sending, taking);
        exchange.Dispose();
    }

    private static byte[] Head(string text)
    {
        HeaderBlock head = new();
        head.Add(3);
        head.Add(6);
        head.Add(4, "/echo");
        head.Add(1, "kestrel");
        head.Add("X-Echo", text);
        return head.Bytes.ToArray();
    }

    private async Task<byte[]> EchoAsync(byte[] body, string text)
    {
        Exchange opened;
        int sent;
        do
        {
            Http2Connection connection = await _link!.GetAsync(CancellationToken.None);
            opened = new Exchange(connection);
            sent = connection.Open(opened, Head(text), body, end: true);
        }
        while (sent < 0); // others were quicker to take its last room
        using Exchange exchange = opened;
        Task<bool> rest = exchange.SendAsync(body.AsMemory(sent), end: true).AsTask();
        ArrayBufferWriter<byte> answer = new();
        do
            await exchange.WaitAsync(32 << 10);
        while (exchange.Take(answer) > 0);
        await rest;
        Assert.Equal("0", exchange.Trailers!.Find("grpc-status"));
        Assert.Equal(text, exchange.Trailers.Find("x-echo"));
        return answer.WrittenSpan.ToArray();
    }
}
