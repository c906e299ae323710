using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Lepton.Routing.V1;
using Lepton.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Lepton.ServiceDefaults.Tests;

/// <summary>C1: our clients send nothing to who is not the service of the region that they mean.</summary>
public sealed class PeerHttpTests : IDisposable
{
    private readonly TestInstallation installation = new();

    public static TheoryData<string> WrongOfServers => [.. WrongLeaves.OfServers];

    public void Dispose() => installation.Dispose();

    [Theory]
    [MemberData(nameof(WrongOfServers))]
    public Task Connect_WrongCertificate_IsSentNothing(string wrong) =>
        SendsNothingAsync(WrongLeaves.Make(installation, wrong, "region/eu-west/service/inference"));

    [Theory]
    [InlineData("region/eu-west/service/routing")]
    [InlineData("region/us-east/service/inference")]
    [InlineData("tenant/inference")]
    public Task Connect_AnothersCertificate_IsSentNothing(string who) =>
        SendsNothingAsync(WrongLeaves.Right(installation, who));

    [Fact]
    public async Task Connect_WhoIsMeant_IsSentTheRequest()
    {
        await using var peer = new Impostor(WrongLeaves.Right(installation, "region/eu-west/service/inference"));
        using var channel = Http().CreateChannel(new Uri(peer.Url), "inference", "eu-west");

        await Assert.ThrowsAsync<RpcException>(async () => // it takes everything and answers nothing
            await new RoutingService.RoutingServiceClient(channel).ListNodesAsync(
                new ListNodesRequest(), deadline: DateTime.UtcNow.AddSeconds(2)));

        Assert.True(peer.Bytes > 0);
    }

    private async Task SendsNothingAsync(X509Certificate2 shown)
    {
        await using var impostor = new Impostor(shown);
        var (http, address) = (Http(), new Uri(impostor.Url));
        using (var channel = http.CreateChannel(address, "inference", "eu-west"))
        {
            var e = await Assert.ThrowsAsync<RpcException>(async () =>
                await new RoutingService.RoutingServiceClient(channel).ListNodesAsync(
                    new ListNodesRequest(), deadline: DateTime.UtcNow.AddSeconds(30)));
            Assert.NotEqual(StatusCode.DeadlineExceeded, e.StatusCode);
        }
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await Assert.ThrowsAsync<AuthenticationException>(() =>
            http.ConnectAsync(address, "inference", "eu-west", limit.Token));
        Assert.True(impostor.Connections >= 2);
        Assert.Equal(0, impostor.Bytes);
    }

    private PeerHttp Http()
    {
        var (certificate, key) = installation.Service("eu-west", "routing");
        var options = new TlsOptions
        {
            CertificateFile = certificate, KeyFile = key, AuthorityFile = installation.AuthorityFile,
        };
        return new PeerHttp(new TlsMaterial(
            Options.Create(options), TimeProvider.System, NullLogger<TlsMaterial>.Instance));
    }
}
