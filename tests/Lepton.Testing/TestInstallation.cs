using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Grpc.Net.Client;

namespace Lepton.Testing;

/// <summary>
/// An installation's authority and its leaves in a temporary folder, with the names and uses that set-up gives them
/// and, for tests of refusal, wrong ones.
/// </summary>
public sealed class TestInstallation : IDisposable
{
    private const string ServerUse = "1.3.6.1.5.5.7.3.1";
    private const string ClientUse = "1.3.6.1.5.5.7.3.2";
    private const string HopUse = "1.3.6.1.4.1.59999.1.1";
    private const string AccessUse = "1.3.6.1.4.1.59999.1.2";
    private const string RolesUse = "1.3.6.1.4.1.59999.1.4";
    private const string EverybodyMayAll = """
        { "version": 1, "assignments": [{ "tenant": "*", "role": "admin", "regions": ["*"] }], "tenants": {} }
        """;

    private readonly X509Certificate2 authority;
    private readonly DateTimeOffset now;
    private int spools;

    /// <summary>Makes the authority. Leaves are in time an hour before and after <paramref name="at"/>.</summary>
    public TestInstallation(DateTimeOffset? at = null)
    {
        now = at ?? DateTimeOffset.UtcNow;
        Directory = System.IO.Directory.CreateTempSubdirectory("lepton-pki-").FullName;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Lepton test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        authority = request.CreateSelfSigned(now.AddDays(-2), now.AddDays(400));
        AuthorityFile = Path.Combine(Directory, "ca.crt");
        File.WriteAllText(AuthorityFile, authority.ExportCertificatePem());
        AccessFile = Path.Combine(Directory, "access.jws");
        SignAccess(EverybodyMayAll);
    }

    /// <summary>Where the files are.</summary>
    public string Directory { get; }

    /// <summary>How long leaves are good for; a test that moves its clock makes it longer. Default 2 h.</summary>
    public TimeSpan Life { get; set; } = TimeSpan.FromHours(2);

    /// <summary>The authority's certificate.</summary>
    public string AuthorityFile { get; }

    /// <summary>The authority with its key, for leaves that no set-up makes.</summary>
    internal X509Certificate2 Authority => authority;

    /// <summary>The signed file of roles and tenants. At first every tenant has every role, for what is its
    /// own.</summary>
    public string AccessFile { get; }

    /// <summary>Puts another document into the access file; signed by the right certificate, or by this pair.</summary>
    public void SignAccess(string json, (string Certificate, string Key)? by = null)
    {
        var (certificate, key) = by
            // It outlives what a test's clock is moved by.
            ?? Issue("access", "spiffe://lepton.local/access", [AccessUse], life: TimeSpan.FromDays(300));
        using var signer = X509Certificate2.CreateFromPemFile(certificate, key);
        using var privateKey = signer.GetECDsaPrivateKey()!;
        var header = JsonSerializer.SerializeToUtf8Bytes(new
        {
            alg = "ES256", typ = "lepton-access+jws", x5c = new[] { Convert.ToBase64String(signer.RawData) },
        });
        var signed = $"{Base64Url.EncodeToString(header)}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json))}";
        var signature = privateKey.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256);
        File.WriteAllText(AccessFile + ".new", $"{signed}.{Base64Url.EncodeToString(signature)}");
        File.Move(AccessFile + ".new", AccessFile, overwrite: true);
    }

    /// <summary>A service's certificate and key file.</summary>
    public (string Certificate, string Key) Service(string region, string service) => Issue(
        $"service-{region}-{service}", $"spiffe://lepton.local/region/{region}/service/{service}",
        [ServerUse, ClientUse]);

    /// <summary>A tenant's certificate and key file.</summary>
    public (string Certificate, string Key) Tenant(string tenant) =>
        Issue($"tenant-{tenant}", $"spiffe://lepton.local/tenant/{tenant}", [ClientUse]);

    /// <summary>A router's hop signing certificate and key file.</summary>
    public (string Certificate, string Key) HopSigning(string region) =>
        Issue($"hop-{region}", $"spiffe://lepton.local/region/{region}/service/routing", [HopUse]);

    /// <summary>A region's role signing certificate and key file.</summary>
    public (string Certificate, string Key) RoleSigning(string region) =>
        Issue($"roles-{region}", $"spiffe://lepton.local/region/{region}/service/compliance", [RolesUse]);

    /// <summary>A leaf with any URI SANs, uses and time.</summary>
    public (string Certificate, string Key) Issue(
        string name, string? uri, string[] uses, TimeSpan? age = null, TimeSpan? life = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        if (uri is not null)
            names.AddUri(new Uri(uri));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        if (uses.Length > 0)
        {
            OidCollection oids = [.. uses.Select(u => new Oid(u))];
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(oids, false));
        }
        var start = now - (age ?? TimeSpan.FromHours(1));
        using var leaf = request.Create(
            authority, start, start + (life ?? Life), RandomNumberGenerator.GetBytes(8));
        var files = (Path.Combine(Directory, name + ".crt"), Path.Combine(Directory, name + ".key"));
        File.WriteAllText(files.Item1, leaf.ExportCertificatePem());
        File.WriteAllText(files.Item2, key.ExportPkcs8PrivateKeyPem());
        return files;
    }

    /// <summary>The configuration that every service needs, and a free port on loopback.</summary>
    public Dictionary<string, string?> Configuration(string region, string service)
    {
        var (certificate, key) = Service(region, service);
        return new Dictionary<string, string?>
        {
            ["urls"] = "https://127.0.0.1:0",
            ["Lepton:Region"] = region,
            ["Lepton:Zone"] = "a",
            ["Lepton:Tls:CertificateFile"] = certificate,
            ["Lepton:Tls:KeyFile"] = key,
            ["Lepton:Tls:AuthorityFile"] = AuthorityFile,
            ["Lepton:AccessFile"] = AccessFile,
            // One for each process that is configured so, as a spool has one owner.
            ["Audit:SpoolDirectory"] = Path.Combine(
                Directory, string.Create(CultureInfo.InvariantCulture, $"audit-{Interlocked.Increment(ref spools)}")),
        };
    }

    /// <summary>A client's handler that shows this pair of files and trusts this authority.</summary>
    public SocketsHttpHandler Handler((string Certificate, string Key)? shown,
        SslProtocols protocols = SslProtocols.Tls13)
    {
        var leaf = shown is { } s ? X509Certificate2.CreateFromPemFile(s.Certificate, s.Key) : null;
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            CustomTrustStore = { X509CertificateLoader.LoadCertificateFromFile(AuthorityFile) },
        };
        return new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions
            {
                EnabledSslProtocols = protocols,
                ClientCertificates = leaf is null ? null : [leaf],
                CertificateChainPolicy = policy,
            },
        };
    }

    /// <summary>A gRPC channel that shows this pair of files; null: none.</summary>
    public GrpcChannel Channel(string address, (string Certificate, string Key)? shown) =>
        GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = Handler(shown),
            DisposeHttpClient = true,
            MaxReceiveMessageSize = null,
            MaxSendMessageSize = null,
        });

    /// <inheritdoc />
    public void Dispose()
    {
        authority.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
