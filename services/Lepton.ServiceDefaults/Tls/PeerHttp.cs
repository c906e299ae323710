using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Connections to other services: TLS 1.3 with our certificate, and the other side must be the service of the region
/// that we mean, by its certificate's URI SAN, whatever address it was found at.
/// </summary>
public sealed class PeerHttp(TlsMaterial material)
{
    /// <summary>Largest gRPC message, both ways: 64 MiB.</summary>
    public const int MessageBytesMax = 64 << 20;

    /// <summary>A handler for one peer. The caller owns it.</summary>
    public SocketsHttpHandler CreateHandler(string service, string region) => new()
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        EnableMultipleHttp2Connections = true,
        ConnectTimeout = TimeSpan.FromSeconds(3),
        // A peer that vanished without a word is noticed within 15 s even on an idle connection.
        KeepAlivePingDelay = TimeSpan.FromSeconds(10),
        KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(5),
        InitialHttp2StreamWindowSize = 1 << 20,
        SslOptions = Tls(service, region),
    };

    /// <summary>
    /// A connection to one peer that is ready for HTTP/2, over TLS where the address says https. The caller owns it.
    /// </summary>
    /// <exception cref="IOException">It could not be had.</exception>
    /// <exception cref="SocketException">Likewise.</exception>
    /// <exception cref="AuthenticationException">The other side is not who is meant.</exception>
    public async Task<Stream> ConnectAsync(
        Uri address, string service, string region, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(address);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address.IdnHost, address.Port, cancellationToken);
            var plain = new NetworkStream(socket, ownsSocket: true);
            if (address.Scheme != Uri.UriSchemeHttps)
                return plain;
            var tls = new SslStream(plain, leaveInnerStreamOpen: false);
            var options = Tls(service, region);
            options.TargetHost = address.IdnHost;
            options.ApplicationProtocols = [SslApplicationProtocol.Http2];
            await tls.AuthenticateAsClientAsync(options, cancellationToken);
            return tls.NegotiatedApplicationProtocol == SslApplicationProtocol.Http2
                ? tls
                : throw new IOException($"{address} does not speak HTTP/2.");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>A gRPC channel to one peer. The caller owns it. Deadlines are the caller's too.</summary>
    public GrpcChannel CreateChannel(Uri address, string service, string region) =>
        GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = CreateHandler(service, region),
            DisposeHttpClient = true,
            MaxReceiveMessageSize = MessageBytesMax,
            MaxSendMessageSize = MessageBytesMax,
            MaxReconnectBackoff = TimeSpan.FromSeconds(2),
        });

    private SslClientAuthenticationOptions Tls(string service, string region) => new()
    {
        EnabledSslProtocols = SslProtocols.Tls13,
        LocalCertificateSelectionCallback = (_, _, _, _, _) => material.Certificate,
        RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            certificate is X509Certificate2 leaf && material.IsTrustedServer(leaf)
            && Caller.FromCertificate(leaf)?.IsService(service, region) == true,
    };
}
