using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Aspire.DashboardService.Proto.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace Lepton.EndToEnd.Tests;

/// <summary>
/// C1: on every port that <c>up</c> opens, TLS 1.2 and plain HTTP get no service. The ports are those that the kernel
/// knows; a port that nobody thought of is held to the rule.
/// </summary>
[Collection(PlatformCollection.Name)]
public sealed class PortTests(Platform platform)
{
    private static readonly TimeSpan limit = TimeSpan.FromSeconds(20);

    private int Base => int.Parse(platform.BasePort);

    /// <summary>
    /// The ports that do not speak TLS 1.3 with certificates of the installation, one by one: who has them, why, and
    /// the proof that something else protects them. All of them are on loopback.
    /// </summary>
    private IReadOnlyList<(string What, Func<Listener, bool> Is, Func<int, Task> Prove)> Exempt =>
    [
        ("the dashboard: a browser logs in with its token", l => l.Port == Base, DashboardShowsNothingAsync),
        ("OTLP by gRPC: the sender shows the dashboard's key", l => l.Port == Base + 1, OtlpByGrpcIsRefusedAsync),
        ("resource service: the dashboard shows its key", l => l.Port == Base + 2, ResourcesAreRefusedAsync),
        ("OTLP by HTTP: the sender shows the dashboard's key", l => l.Port == Base + 3, OtlpByHttpIsRefusedAsync),
        ("DCP's own API: the app host shows its token", l => l.Program == "dcp", DcpIsRefusedAsync),
        ("PostgreSQL: each role has its password", l => l.Program == "postgres", PostgresAsksForAPasswordAsync),
    ];

    [Fact]
    public async Task EveryListeningPort_Tls12AndPlainHttp_GetNoService()
    {
        IReadOnlyList<Listener> listeners = ListeningPorts.Of(platform.Processes());

        Assert.Superset(platform.ServicePorts.ToHashSet(), listeners.Select(l => l.Port).ToHashSet());
        Assert.Superset(Enumerable.Range(Base, 4).ToHashSet(), listeners.Select(l => l.Port).ToHashSet());
        List<string> wrong = [];
        foreach (Listener listener in listeners)
        {
            if (!IPAddress.IsLoopback(listener.Address))
                wrong.Add($"{listener} is open to the network");
            try
            {
                if (Exempt.FirstOrDefault(e => e.Is(listener)) is { Prove: { } prove })
                    await prove(listener.Port);
                else
                    await SpeaksTls13OnlyAsync(listener.Port);
            }
            catch (Exception e)
            {
                wrong.Add($"{listener}: {e.Message}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    /// <summary>Routers and nodes, and the wide-area relays, which pass on what they get to a router.</summary>
    private static async Task SpeaksTls13OnlyAsync(int port)
    {
        await Assert.ThrowsAnyAsync<Exception>(() => HandshakeAsync(port, SslProtocols.Tls12));
        Assert.Equal(SslProtocols.Tls13, await HandshakeAsync(port, SslProtocols.Tls13));
        foreach (string request in (string[])[
            "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0"])
        {
            byte[] answer = await AskAsync(port, Encoding.Latin1.GetBytes(request));
            // Nothing, or a TLS alert (RFC 8446, 5.1: content type 21).
            Assert.True(answer.Length == 0 || answer[0] == 21, $"plain text answered: {Convert.ToHexString(answer)}");
        }
    }

    private static async Task DashboardShowsNothingAsync(int port)
    {
        using HttpClient http = Plain();
        using HttpResponseMessage page = await http.GetAsync($"http://127.0.0.1:{port}/");
        using HttpResponseMessage spans = await http.GetAsync($"http://127.0.0.1:{port}/api/telemetry/spans");
        Assert.NotEqual(HttpStatusCode.OK, page.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, spans.StatusCode);
    }

    private static async Task OtlpByGrpcIsRefusedAsync(int port)
    {
        using HttpClient http = Plain();
        using HttpRequestMessage request = new(HttpMethod.Post,
            $"http://127.0.0.1:{port}/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(new byte[5]) { Headers = { { "content-type", "application/grpc" } } },
        };
        using HttpResponseMessage answer = await http.SendAsync(request);
        Assert.True(answer.StatusCode == HttpStatusCode.Unauthorized
            || (answer.Headers.TryGetValues("grpc-status", out IEnumerable<string>? status)
                && status.Single() is "16" or "7"), $"OTLP without a key: {answer}");
    }

    private static async Task OtlpByHttpIsRefusedAsync(int port)
    {
        using HttpClient http = Plain();
        using HttpResponseMessage answer = await http.PostAsync($"http://127.0.0.1:{port}/v1/traces",
            new ByteArrayContent([]) { Headers = { { "content-type", "application/x-protobuf" } } });
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    private static async Task ResourcesAreRefusedAsync(int port)
    {
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://127.0.0.1:{port}");
        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await new DashboardService.DashboardServiceClient(channel).GetApplicationInformationAsync(
                new ApplicationInformationRequest(), deadline: DateTime.UtcNow + limit));
        Assert.Equal(StatusCode.Unauthenticated, e.StatusCode);
    }

    private static async Task DcpIsRefusedAsync(int port)
    {
        using HttpClient http = new(new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true }, // its own, made at its start
        });
        using HttpResponseMessage answer = await http.GetAsync($"https://127.0.0.1:{port}/apis");
        Assert.Contains(answer.StatusCode, new[] { HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden });
    }

    private static async Task PostgresAsksForAPasswordAsync(int port)
    {
        // StartupMessage of protocol 3.0 (PostgreSQL's manual, 54.7).
        byte[] names = Encoding.ASCII.GetBytes("user\0postgres\0database\0postgres\0\0");
        byte[] answer = await AskAsync(port, [0, 0, 0, (byte)(8 + names.Length), 0, 3, 0, 0, .. names]);
        // 'E': refused. 'R' with 0 in its second word would be AuthenticationOk.
        Assert.True(answer.Length > 0 && (answer[0] == 'E' || (answer[0] == 'R' && answer[8] != 0)),
            $"no password asked: {Convert.ToHexString(answer)}");
    }

    /// <summary>What comes back until the other side closes, or says something.</summary>
    private static async Task<byte[]> AskAsync(int port, byte[] request)
    {
        using CancellationTokenSource patience = new(limit);
        using TcpClient tcp = new();
        await tcp.ConnectAsync(IPAddress.Loopback, port, patience.Token);
        NetworkStream stream = tcp.GetStream();
        await stream.WriteAsync(request, patience.Token);
        byte[] answer = new byte[1024];
        try
        {
            return answer[..await stream.ReadAsync(answer, patience.Token)];
        }
        catch (IOException)
        {
            return []; // reset: no answer either
        }
    }

    private static async Task<SslProtocols> HandshakeAsync(int port, SslProtocols protocols)
    {
        using CancellationTokenSource patience = new(limit);
        using TcpClient tcp = new();
        await tcp.ConnectAsync(IPAddress.Loopback, port, patience.Token);
        await using SslStream tls = new(tcp.GetStream());
        using X509Certificate2 certificate = Platform.TenantCertificate();
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = protocols,
            ClientCertificates = [certificate],
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            RemoteCertificateValidationCallback = (_, _, _, _) => true, // the version is the question here
        }, patience.Token);
        return tls.SslProtocol;
    }

    private static HttpClient Plain() => new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false })
    {
        Timeout = limit,
    };
}
