using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Routing.V1;
using Lepton.Testing;

namespace Lepton.EndToEnd.Tests;

/// <summary>C1: TLS 1.3 only and mutual on every port of ours; the dashboard's ports ask for their keys.</summary>
[Collection(PlatformCollection.Name)]
public sealed class TransportTests(Platform platform)
{
    [Fact]
    public async Task EveryPort_Tls12_IsRefusedAndTls13IsSpoken()
    {
        foreach (int port in platform.ServicePorts)
        {
            await Assert.ThrowsAnyAsync<Exception>(() => HandshakeAsync(port, SslProtocols.Tls12));
            Assert.Equal(SslProtocols.Tls13, await HandshakeAsync(port, SslProtocols.Tls13));
        }
    }

    [Fact]
    public async Task EveryPort_NoCertificate_AnswersNothing()
    {
        // In TLS 1.3 the client's handshake ends before the server has looked: only a real call shows the refusal.
        foreach (int port in platform.ServicePorts)
        {
            using HttpClient http = new(platform.Handler(withCertificate: false))
            {
                DefaultRequestVersion = HttpVersion.Version20,
                DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            // Gateways let the handshake pass: a token may come instead of a certificate. Nodes do not.
            try
            {
                using HttpResponseMessage answer = await http.GetAsync($"https://127.0.0.1:{port}/health/ready");
                Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
                Assert.Contains(port, platform.GatewayPorts);
            }
            catch (HttpRequestException)
            {
                Assert.DoesNotContain(port, platform.GatewayPorts);
            }
        }
    }

    [Fact]
    public async Task Gateway_CertificateOfAnotherAuthority_AnswersNothing()
    {
        using TestInstallation rogue = new();
        (string certificate, string key) = rogue.Tenant("demo");
        SocketsHttpHandler handler = platform.Handler(withCertificate: false);
        handler.SslOptions.ClientCertificates = [X509Certificate2.CreateFromPemFile(certificate, key)];
        using GrpcChannel channel = GrpcChannel.ForAddress(
            platform.Gateway("eu-west"), new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
        RoutingService.RoutingServiceClient client = new(channel);

        await Assert.ThrowsAsync<RpcException>(async () =>
            await client.ListNodesAsync(new ListNodesRequest(), deadline: DateTime.UtcNow.AddSeconds(10)));
    }

    [Fact]
    public async Task Node_TenantWithoutHopAssertion_IsRefused()
    {
        int node = new Uri(platform.Gateway("eu-west")).Port + 1;
        using GrpcChannel channel = GrpcChannel.ForAddress($"https://127.0.0.1:{node}", new GrpcChannelOptions
        {
            HttpHandler = platform.Handler(withCertificate: true), DisposeHttpClient = true,
        });
        OpenInference.GRPCInferenceService.GRPCInferenceServiceClient client = new(channel);

        RpcException e = await Assert.ThrowsAsync<RpcException>(async () => await client.ModelInferAsync(
            new OpenInference.ModelInferRequest { ModelName = "ocr" }, deadline: DateTime.UtcNow.AddSeconds(10)));

        Assert.Contains(e.StatusCode, new[] { StatusCode.Unauthenticated, StatusCode.PermissionDenied });
    }

    [Fact]
    public async Task Dashboard_WithoutItsKeys_AnswersNothing()
    {
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });

        using HttpResponseMessage telemetry = await http.GetAsync($"{platform.DashboardUrl}/api/telemetry/spans");
        using HttpResponseMessage page = await http.GetAsync($"{platform.DashboardUrl}/");

        Assert.Equal(HttpStatusCode.Unauthorized, telemetry.StatusCode);
        Assert.NotEqual(HttpStatusCode.OK, page.StatusCode);
    }

    private static async Task<SslProtocols> HandshakeAsync(int port, SslProtocols protocols)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(10));
        using TcpClient tcp = new();
        await tcp.ConnectAsync(IPAddress.Loopback, port, limit.Token);
        await using SslStream tls = new(tcp.GetStream());
        using X509Certificate2 certificate = Platform.TenantCertificate();
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = protocols,
            ClientCertificates = [certificate],
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            RemoteCertificateValidationCallback = (_, _, _, _) => true, // the version is the question here
        }, limit.Token);
        return tls.SslProtocol;
    }
}
