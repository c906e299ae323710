using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lepton.Setup.Pki;

/// <summary>What a leaf certificate says: whose it is (one URI, as SPIFFE does) and what it may be used for.</summary>
internal sealed class LeafCertificate
{
    /// <summary>Short, because nothing revokes a leaf.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(7);

    /// <summary>"Lepton hop assertion": this key signs hop assertions and opens no TLS connection.</summary>
    public const string HopAssertionUsage = "1.3.6.1.4.1.59999.1.1";

    /// <summary>"Lepton access file": this key signs the file of roles and tenants and opens no TLS
    /// connection.</summary>
    public const string AccessFileUsage = "1.3.6.1.4.1.59999.1.2";

    /// <summary>"Lepton audit tree heads": this key signs what an audit log was and opens no TLS connection.</summary>
    public const string TreeHeadUsage = "1.3.6.1.4.1.59999.1.3";

    /// <summary>"Lepton roles": this key signs roles that are granted by call and opens no TLS connection.</summary>
    public const string RolesUsage = "1.3.6.1.4.1.59999.1.4";

    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const string TrustDomain = "spiffe://lepton.local";

    private readonly string commonName;
    private readonly Uri identity;
    private readonly string[] usages;
    private readonly bool listens;

    private LeafCertificate(string commonName, string path, bool listens, params string[] usages)
    {
        this.commonName = commonName;
        identity = new Uri(TrustDomain + path);
        this.listens = listens;
        this.usages = usages;
    }

    public static LeafCertificate Service(string region, string service) =>
        new($"{service}.{region}", $"/region/{region}/service/{service}", true,
            ServerAuthentication, ClientAuthentication);

    public static LeafCertificate HopSigner(string region) =>
        new($"hop.routing.{region}", $"/region/{region}/service/routing", false, HopAssertionUsage);

    public static LeafCertificate RoleSigner(string region) =>
        new($"roles.compliance.{region}", $"/region/{region}/service/compliance", false, RolesUsage);

    public static LeafCertificate TreeHeadSigner(string region) =>
        new($"audit.compliance.{region}", $"/region/{region}/service/compliance", false, TreeHeadUsage);

    public static LeafCertificate AccessSigner() => new("access", "/access", false, AccessFileUsage);

    public static LeafCertificate Tenant(string tenant) =>
        new($"tenant.{tenant}", $"/tenant/{tenant}", false, ClientAuthentication);

    public CertificateRequest Request(ECDsa key)
    {
        var request = new CertificateRequest($"CN={commonName}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([.. usages.Select(usage => new Oid(usage))], critical: false));
        request.CertificateExtensions.Add(AlternativeNames());
        return request;
    }

    /// <summary>True when the certificate says exactly what this one would.</summary>
    public bool Matches(X509Certificate2 certificate)
    {
        var names = AlternativeNames();
        return certificate.Subject == $"CN={commonName}"
            && certificate.Extensions.Any(extension =>
                extension.Oid?.Value == names.Oid?.Value && extension.RawData.AsSpan().SequenceEqual(names.RawData))
            && certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>()
                .SelectMany(extension => extension.EnhancedKeyUsages.Cast<Oid>()).Select(oid => oid.Value)
                .SequenceEqual(usages);
    }

    private X509Extension AlternativeNames()
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(identity);
        if (listens)
        {
            names.AddDnsName("localhost");
            names.AddIpAddress(IPAddress.Loopback);
            names.AddIpAddress(IPAddress.IPv6Loopback);
        }
        return names.Build();
    }
}
