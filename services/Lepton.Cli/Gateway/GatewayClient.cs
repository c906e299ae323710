using System.Net.Http;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;
using Lepton.Cli.Platform;
using Lepton.Routing.V1;
using OpenInference;

namespace Lepton.Cli.Gateway;

/// <summary>
/// A tenant's connection to one region's gateways: TLS 1.3, the tenant's certificate, and trust in this
/// installation's authority alone.
/// </summary>
internal sealed class GatewayClient : IDisposable
{
    private readonly GrpcChannel channel;
    private readonly X509Certificate2 certificate;

    private GatewayClient(PlatformRegion region, GrpcChannel channel, X509Certificate2 certificate)
    {
        this.channel = channel;
        this.certificate = certificate;
        Region = region.Name;
        Url = string.Join(", ", region.GatewayUrls);
        Routing = new RoutingService.RoutingServiceClient(channel);
        Inference = new GRPCInferenceService.GRPCInferenceServiceClient(channel);
    }

    public string Region { get; }

    /// <summary>The addresses, for people.</summary>
    public string Url { get; }

    public RoutingService.RoutingServiceClient Routing { get; }

    public GRPCInferenceService.GRPCInferenceServiceClient Inference { get; }

    public static GatewayClient Open(
        Installation installation, PlatformRegion region, string authorityFile, string tenant)
    {
        (string certificateFile, string keyFile) = TenantFiles(installation, tenant);
        X509Certificate2 certificate = X509Certificate2.CreateFromPemFile(certificateFile, keyFile);
        X509Certificate2 authority = X509CertificateLoader.LoadCertificateFromFile(authorityFile);
        ServerCheck check = new(authority, $"spiffe://lepton.local/region/{region.Name}/service/routing");
        SocketsHttpHandler handler = new()
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                EnabledSslProtocols = SslProtocols.Tls13,
                ClientCertificates = [certificate],
                // One tenant certificate and no other, whatever authorities the server lists.
                LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate,
                RemoteCertificateValidationCallback = check.Validate,
            },
        };
        Uri[] gateways = [.. region.GatewayUrls.Select(url => new Uri(url))];
        return new GatewayClient(region, GatewayAddresses.Open(gateways, takeTurns: true, handler), certificate);
    }

    public void Dispose()
    {
        channel.Dispose();
        certificate.Dispose();
    }

    private static (string Certificate, string Key) TenantFiles(Installation installation, string tenant)
    {
        (string certificate, string key) = installation.Tenant(tenant);
        bool plain = tenant.Length > 0 && tenant.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
        if (!plain || !File.Exists(certificate) || !File.Exists(key))
        {
            throw new CommandFailure(ExitCode.Usage, $"--tenant {tenant}: no client certificate of that name was made.")
            {
                Hints = ["Certificates of tenants are in .lepton/pki/clients; up makes those of the shipped policy."],
            };
        }

        return (certificate, key);
    }
}
