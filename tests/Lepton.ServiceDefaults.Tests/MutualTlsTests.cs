using System.Net;
using System.Security.Authentication;
using Grpc.Core;
using Lepton.Routing.V1;
using Lepton.Testing;

namespace Lepton.ServiceDefaults.Tests;

/// <summary>C1: TLS 1.3 only, mutual, and only certificates of this installation, for their use.</summary>
[Collection("server")]
public sealed class MutualTlsTests(ServerFixture server)
{
    private const string ClientUse = "1.3.6.1.5.5.7.3.2";
    private const string ServerUse = "1.3.6.1.5.5.7.3.1";

    [Fact]
    public async Task Call_TenantCertificate_NamesTheTenant()
    {
        using var channel = server.Installation.Channel(server.Address, server.Installation.Tenant("demo"));
        var answer = await new RoutingService.RoutingServiceClient(channel).ListNodesAsync(new ListNodesRequest());
        Assert.Equal("tenant/demo", answer.NextPageToken);
    }

    [Fact]
    public async Task Call_ServiceCertificate_NamesTheServiceAndRegion()
    {
        var shown = server.Installation.Service("us-east", "inference");
        using var channel = server.Installation.Channel(server.Address, shown);
        var answer = await new RoutingService.RoutingServiceClient(channel).ListNodesAsync(new ListNodesRequest());
        Assert.Equal("service/inference@us-east", answer.NextPageToken);
    }

    [Fact]
    public async Task Call_NoCertificate_Refused() => await AssertNoAnswer(null);

    [Fact]
    public async Task Call_OtherAuthority_Refused()
    {
        using var other = new TestInstallation();
        await AssertNoAnswer(other.Tenant("demo"));
    }

    [Fact]
    public async Task Call_ExpiredCertificate_Refused() => await AssertNoAnswer(server.Installation.Issue(
        "expired", "spiffe://lepton.local/tenant/demo", [ClientUse], TimeSpan.FromHours(3)));

    [Theory]
    [InlineData(ServerUse)]
    [InlineData(HopHeader.KeyUsage)]
    [InlineData(null)]
    public async Task Call_WrongUse_Refused(string? use) => await AssertNoAnswer(server.Installation.Issue(
        "use-" + use, "spiffe://lepton.local/tenant/demo", use is null ? [] : [use]));

    [Theory]
    [InlineData(null)]
    [InlineData("spiffe://other.example/tenant/demo")]
    [InlineData("spiffe://lepton.local/tenant/De")]
    [InlineData("spiffe://lepton.local/region/eu-west/service")]
    [InlineData("spiffe://lepton.local/region/eu-west/service/routing/more")]
    public async Task Call_CertificateNamesNobody_Unauthenticated(string? uri)
    {
        var shown = server.Installation.Issue("nobody", uri, [ClientUse]);
        using var channel = server.Installation.Channel(server.Address, shown);
        var client = new RoutingService.RoutingServiceClient(channel);
        var e = await Assert.ThrowsAsync<RpcException>(async () => await client.ListNodesAsync(new ListNodesRequest()));
        Assert.Equal(StatusCode.Unauthenticated, e.StatusCode);
        Assert.Equal("CALLER_UNKNOWN", RpcErrors.ReasonOf(e));
    }

    [Fact]
    public async Task Call_Tls12_Refused()
    {
        using var client = new HttpClient(server.Installation.Handler(
            server.Installation.Tenant("demo"), SslProtocols.Tls12));
        var e = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(server.Address + "/health/live"));
        Assert.IsType<AuthenticationException>(e.InnerException);
    }

    [Fact]
    public async Task Call_WithoutTls_Refused()
    {
        using var client = new HttpClient();
        var plain = new Uri(server.Address.Replace("https", "http", StringComparison.Ordinal));
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(plain));
    }

    private async Task AssertNoAnswer((string, string)? shown)
    {
        // In TLS 1.3 the client's handshake completes before the server has judged its certificate: a real call tells.
        using var client = new HttpClient(server.Installation.Handler(shown))
        {
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        // How the refusal shows depends on which side is faster; any answer, even an error, would not throw.
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(server.Address + "/health/live"));
    }
}
