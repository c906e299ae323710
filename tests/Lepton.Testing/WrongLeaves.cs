using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;

namespace Lepton.Testing;

/// <summary>Certificates that must not open a door, each wrong in one way and right in every other.</summary>
public static class WrongLeaves
{
    private const string ServerUse = "1.3.6.1.5.5.7.3.1";
    private const string ClientUse = "1.3.6.1.5.5.7.3.2";
    private const string HopUse = "1.3.6.1.4.1.59999.1.1";
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    /// <summary>No client with one of these has its connection.</summary>
    public static IReadOnlyList<string> OfClients { get; } =
    [
        "of another authority", "self-signed", "signed by a leaf", "the authority's own", "of an authority below it",
        "for servers only", "for hops only", "for no use", "expired", "not yet valid",
    ];

    /// <summary>A client with one of these has a connection, and is nobody.</summary>
    public static IReadOnlyList<string> Nameless { get; } = ["without URI", "with two URIs", "of another trust domain"];

    /// <summary>No client sends anything to a server with one of these.</summary>
    public static IReadOnlyList<string> OfServers { get; } =
        [.. OfClients.Select(w => w == "for servers only" ? "for clients only" : w), .. Nameless];

    /// <summary>Makes one.</summary>
    /// <param name="installation">Whose authority is trusted.</param>
    /// <param name="wrong">What is wrong with it, of the lists above.</param>
    /// <param name="path">The name it has or claims, in the trust domain: <c>tenant/demo</c>.</param>
    public static X509Certificate2 Make(TestInstallation installation, string wrong, string path)
    {
        ArgumentNullException.ThrowIfNull(installation);
        var now = DateTimeOffset.UtcNow;
        var uri = $"spiffe://lepton.local/{path}";
        string[] uris = wrong switch
        {
            "without URI" => [],
            "with two URIs" => [uri, uri],
            "of another trust domain" => [$"spiffe://other.example/{path}"],
            _ => [uri],
        };
        string[] uses = wrong switch
        {
            "for servers only" => [ServerUse],
            "for clients only" => [ClientUse],
            "for hops only" => [HopUse],
            "for no use" => [],
            _ => [ServerUse, ClientUse],
        };
        var start = wrong switch { "expired" => now - (3 * Hour), "not yet valid" => now + Hour, _ => now - Hour };
        if (wrong == "the authority's own")
            return new X509Certificate2(installation.Authority);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request(key, uris, uses, isAuthority: wrong == "of an authority below it");
        if (wrong == "self-signed")
            return request.CreateSelfSigned(start, start + (2 * Hour));
        using var other = new TestInstallation();
        using var leaf = Sign(Issuer(installation, other, wrong), request, start);
        return Usable(leaf.CopyWithPrivateKey(key));
    }

    /// <summary>A right one for any name in the trust domain.</summary>
    public static X509Certificate2 Right(TestInstallation installation, string path) =>
        Make(installation, "", path);

    /// <summary>A gRPC channel that shows this certificate whatever the server asks for.</summary>
    public static GrpcChannel Channel(TestInstallation installation, string address, X509Certificate2 shown)
    {
        ArgumentNullException.ThrowIfNull(installation);
        var handler = installation.Handler(null);
        handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => shown;
        return GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = handler, DisposeHttpClient = true,
        });
    }

    private static X509Certificate2 Issuer(TestInstallation installation, TestInstallation other, string wrong)
    {
        if (wrong == "of another authority")
            return new X509Certificate2(other.Authority);
        if (wrong != "signed by a leaf")
            return installation.Authority;
        var (certificate, key) = installation.Tenant("demo");
        return X509Certificate2.CreateFromPemFile(certificate, key);
    }

    private static CertificateRequest Request(ECDsa key, string[] uris, string[] uses, bool isAuthority)
    {
        var request = new CertificateRequest("CN=wrong", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        foreach (var uri in uris)
            names.AddUri(new Uri(uri));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(isAuthority
            ? X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyCertSign
            : X509KeyUsageFlags.DigitalSignature, true));
        OidCollection oids = [.. uses.Select(u => new Oid(u))];
        if (uses.Length > 0)
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(oids, false));
        return request;
    }

    // CertificateRequest itself refuses an issuer that is no authority; its generator does not.
    private static X509Certificate2 Sign(X509Certificate2 issuer, CertificateRequest request, DateTimeOffset start)
    {
        using var key = issuer.GetECDsaPrivateKey() ?? throw new CryptographicException("The issuer has no key.");
        var end = start + (2 * Hour) < issuer.NotAfter ? start + (2 * Hour) : issuer.NotAfter;
        return request.Create(issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(key), start, end,
            RandomNumberGenerator.GetBytes(8));
    }

    // As a file would give it: some platforms cannot use a key that was never exported.
    private static X509Certificate2 Usable(X509Certificate2 certificate)
    {
        using (certificate)
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }
}
