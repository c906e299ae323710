using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Cli.Gateway;
using Lepton.Routing.V1;
using Lepton.Testing;

namespace Lepton.Cli.Tests.Gateway;

/// <summary>A client of several gateways, some of which die, hang or were never there (R6).</summary>
public sealed class GatewayHandlerTests : IDisposable
{
    private readonly TestInstallation pki = new();

    public void Dispose() => pki.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Calls_TheirGatewayDies_AreAnsweredByTheOther(bool takeTurns)
    {
        await using FakeGateway second = await FakeGateway.StartAsync(pki, "eu-west");
        FakeGateway first = await FakeGateway.StartAsync(pki, "eu-west");
        using GrpcChannel channel = Open(takeTurns, new Uri(first.Url), new Uri(second.Url));
        for (int i = 0; i < 4; i++)
        {
            await ListAsync(channel);
        }

        await first.DisposeAsync();

        // Far more calls than retries: an address that is dead must not be asked again and again.
        for (int i = 0; i < 50; i++)
        {
            await ListAsync(channel);
        }
    }

    [Theory]
    [InlineData(false, "aaaa")]
    [InlineData(true, "abab")]
    public async Task Calls_AllGatewaysLive_GoToTheFirstOrTakeTurns(bool takeTurns, string expected)
    {
        await using FakeGateway a = await FakeGateway.StartAsync(pki, "eu-west");
        await using FakeGateway b = await FakeGateway.StartAsync(pki, "eu-west");
        a.Answers.Nodes = _ => new ListNodesResponse { NextPageToken = "a" };
        b.Answers.Nodes = _ => new ListNodesResponse { NextPageToken = "b" };
        using GrpcChannel channel = Open(takeTurns, new Uri(a.Url), new Uri(b.Url));

        string answered = "";
        for (int i = 0; i < 4; i++)
        {
            answered += (await ListAsync(channel)).NextPageToken;
        }

        Assert.Contains(answered, (string[])[expected, takeTurns ? "baba" : expected]);
    }

    [Fact]
    public async Task Call_AGatewayThatCannotTakeIt_GoesToTheNext()
    {
        await using FakeGateway weak = await FakeGateway.StartAsync(pki, "eu-west");
        await using FakeGateway strong = await FakeGateway.StartAsync(pki, "eu-west");
        weak.Answers.Nodes = _ => throw new RpcException(new Status(StatusCode.Unavailable, "this router stops"));
        strong.Answers.Nodes = _ => new ListNodesResponse { NextPageToken = "strong" };
        using GrpcChannel channel = Open(takeTurns: false, new Uri(weak.Url), new Uri(strong.Url));

        Assert.Equal("strong", (await ListAsync(channel)).NextPageToken);
    }

    [Fact]
    public async Task Call_AGatewayThatAcceptsAndSaysNothing_IsAnsweredByTheOther()
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        await using FakeGateway good = await FakeGateway.StartAsync(pki, "eu-west");
        using GrpcChannel channel = Open(
            takeTurns: false, new Uri($"https://{silent.LocalEndpoint}"), new Uri(good.Url));

        await ListAsync(channel);
    }

    [Fact]
    public async Task Call_NoGatewayAnswers_IsUnavailableAndNamesEach()
    {
        Uri[] none = [Nobody(), Nobody()];
        using GrpcChannel channel = Open(takeTurns: false, none);

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => ListAsync(channel));

        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        Assert.All(none, gateway =>
            Assert.Contains($"{gateway.Authority}: ", refused.Status.Detail, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData]
    [InlineData("http://127.0.0.1:1")]
    public void Handler_NoAddressOrNoTls_IsRefused(params string[] urls) =>
        Assert.Throws<ArgumentException>(() => new GatewayHandler(
            [.. urls.Select(u => new Uri(u))], takeTurns: true, new SocketsHttpHandler(), TimeProvider.System));

    private GrpcChannel Open(bool takeTurns, params Uri[] gateways)
    {
        (string certificate, string key) = pki.Tenant("demo");
        SocketsHttpHandler handler = new();
        handler.SslOptions.ClientCertificates = [X509Certificate2.CreateFromPemFile(certificate, key)];
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true; // whom to trust: ServerCheck
        return GatewayAddresses.Open(gateways, takeTurns, handler);
    }

    private static Uri Nobody()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"https://{listener.LocalEndpoint}");
    }

    private static async Task<ListNodesResponse> ListAsync(GrpcChannel channel) =>
        await new RoutingService.RoutingServiceClient(channel)
            .ListNodesAsync(new ListNodesRequest(), deadline: DateTime.UtcNow.AddSeconds(20));
}
