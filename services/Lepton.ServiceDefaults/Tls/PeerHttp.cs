using System.Net.Security;
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
        SslOptions = new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls13,
            LocalCertificateSelectionCallback = (_, _, _, _, _) => material.Certificate,
            RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                certificate is X509Certificate2 leaf && material.IsTrustedServer(leaf)
                && Caller.FromCertificate(leaf)?.IsService(service, region) == true,
        },
    };

    /// <summary>
    /// A handler for requests that are passed on: who passes them on counts them and carries their trace context.
    /// </summary>
    public SocketsHttpHandler CreateForwardingHandler(string service, string region)
    {
        var handler = CreateHandler(service, region);
        handler.ActivityHeadersPropagator = null;
        return handler;
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
}
