using System.Net.Http;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;
using Lepton.Cli.Login;
using Lepton.Cli.Platform;
using Lepton.Compliance.V1;
using Lepton.Platform.V1;
using Lepton.Routing.V1;
using Lepton.Sync.V1;
using OpenInference;

namespace Lepton.Cli.Gateway;

/// <summary>
/// A connection to one region's gateways: TLS 1.3, trust in this installation's authority alone, and either a tenant's
/// certificate or the access token of who is logged in, never both.
/// </summary>
internal sealed class GatewayClient : IDisposable
{
    private readonly GrpcChannel channel;
    private readonly X509Certificate2? certificate;

    private GatewayClient(
        PlatformRegion region, ClientService service, GrpcChannel channel, X509Certificate2? certificate)
    {
        this.channel = channel;
        this.certificate = certificate;
        Region = region.Name;
        Url = string.Join(", ", region.Urls(service));
        Access = new AccessService.AccessServiceClient(channel);
        Routing = new RoutingService.RoutingServiceClient(channel);
        Inference = new GRPCInferenceService.GRPCInferenceServiceClient(channel);
        Records = new RecordService.RecordServiceClient(channel);
        Topology = new TopologyService.TopologyServiceClient(channel);
        Subjects = new SubjectService.SubjectServiceClient(channel);
        Backups = new BackupService.BackupServiceClient(channel);
        Stranded = new StrandedService.StrandedServiceClient(channel);
        Policies = new PolicyService.PolicyServiceClient(channel);
        Roles = new RoleService.RoleServiceClient(channel);
        Audit = new AuditSearchService.AuditSearchServiceClient(channel);
    }

    public string Region { get; }

    /// <summary>The addresses, for people.</summary>
    public string Url { get; }

    public AccessService.AccessServiceClient Access { get; }

    public RoutingService.RoutingServiceClient Routing { get; }

    public GRPCInferenceService.GRPCInferenceServiceClient Inference { get; }

    /// <summary>Of a node of Sync, as are the next three.</summary>
    public RecordService.RecordServiceClient Records { get; }

    public TopologyService.TopologyServiceClient Topology { get; }

    public SubjectService.SubjectServiceClient Subjects { get; }

    public BackupService.BackupServiceClient Backups { get; }

    /// <summary>Writes that were put aside, of one node of Sync.</summary>
    public StrandedService.StrandedServiceClient Stranded { get; }

    /// <summary>Of a compliance service.</summary>
    public PolicyService.PolicyServiceClient Policies { get; }

    /// <summary>Roles by call.</summary>
    public RoleService.RoleServiceClient Roles { get; }

    /// <summary>Search and export of the audit log.</summary>
    public AuditSearchService.AuditSearchServiceClient Audit { get; }

    /// <summary>What helps when the gateway does not know the caller; null where a certificate is shown.</summary>
    public string? LogInAgain { get; private init; }

    /// <summary>As a tenant, by its certificate.</summary>
    public static GatewayClient Open(
        Installation installation, PlatformRegion region, string authorityFile, string tenant,
        ClientService service = ClientService.Routing)
    {
        (string certificateFile, string keyFile) = TenantFiles(installation, tenant);
        X509Certificate2 certificate = X509Certificate2.CreateFromPemFile(certificateFile, keyFile);
        SocketsHttpHandler handler = Connect(region, service, authorityFile);
        handler.SslOptions.ClientCertificates = [certificate];
        // One tenant certificate and no other, whatever authorities the server lists.
        handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate;
        return new GatewayClient(
            region, service, GatewayAddresses.Open(Addresses(region, service), takeTurns: true, handler), certificate);
    }

    /// <summary>As who is logged in, by access token.</summary>
    public static GatewayClient Open(
        PlatformRegion region, string authorityFile, LoginTokens tokens,
        ClientService service = ClientService.Routing)
    {
        GrpcChannel channel = GatewayAddresses.Open(
            Addresses(region, service), takeTurns: true, Connect(region, service, authorityFile),
            new BearerHandler(tokens));
        return new GatewayClient(region, service, channel, certificate: null) { LogInAgain = tokens.LogInAgain };
    }

    public void Dispose()
    {
        channel.Dispose();
        certificate?.Dispose();
    }

    private static Uri[] Addresses(PlatformRegion region, ClientService service) =>
        region.Urls(service) is { Count: > 0 } urls
            ? [.. urls.Select(url => new Uri(url))]
            : throw new CommandFailure(
                ExitCode.Usage, "This platform keeps no records: start it with ./lepton up --profile full.");

    private static SocketsHttpHandler Connect(PlatformRegion region, ClientService service, string authorityFile)
    {
        X509Certificate2 authority = X509CertificateLoader.LoadCertificateFromFile(authorityFile);
        string called = service.ToString().ToLowerInvariant();
        string name = $"spiffe://lepton.local/region/{region.Name}/service/{called}";
        return new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                EnabledSslProtocols = SslProtocols.Tls13,
                RemoteCertificateValidationCallback = new ServerCheck(authority, uri => uri == name).Validate,
            },
        };
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
