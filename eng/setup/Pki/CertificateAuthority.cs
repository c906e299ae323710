using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lepton.Setup.Pki;

/// <summary>
/// The authority of one installation: its key never leaves the installation's folder, and it signs nothing but the
/// short-lived leaves of the processes and tenants there.
/// </summary>
internal sealed class CertificateAuthority : IDisposable
{
    private const int LifetimeYears = 10;

    // Clocks of one machine agree; of a cluster's machines only roughly.
    private static readonly TimeSpan Backdating = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ReplacedBefore = TimeSpan.FromDays(30);

    private readonly X509Certificate2 certificate;
    private readonly TimeProvider time;

    private CertificateAuthority(X509Certificate2 certificate, bool isNew, TimeProvider time)
    {
        this.certificate = certificate;
        this.time = time;
        IsNew = isNew;
    }

    /// <summary>True when this call made it, so that no leaf of an earlier one is valid any more.</summary>
    public bool IsNew { get; }

    public static CertificateAuthority LoadOrCreate(string directory, TimeProvider time)
    {
        PemPair.CreateDirectory(directory);
        var pair = new PemPair(directory, "ca");
        var known = pair.TryLoad();
        if (known is not null && known.NotAfter.ToUniversalTime() - time.GetUtcNow() > ReplacedBefore)
            return new CertificateAuthority(known, isNew: false, time);
        known?.Dispose();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = time.GetUtcNow();
        var request = new CertificateRequest(
            $"CN=Lepton installation {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}",
            key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var made = request.CreateSelfSigned(now - Backdating, now.AddYears(LifetimeYears));
        pair.Save(made, key);
        return new CertificateAuthority(made, isNew: true, time);
    }

    /// <summary>Makes the leaf if it is absent, foreign, different from what is asked, or past half its life.</summary>
    public bool Ensure(LeafCertificate leaf, PemPair pair)
    {
        using (var present = pair.TryLoad())
        {
            if (present is not null && IsFresh(present) && IsOurs(present) && leaf.Matches(present))
                return false;
        }
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = leaf.Request(key);
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(
            certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var now = time.GetUtcNow();
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7f; // a serial number is a positive integer
        using var made = request.Create(certificate, now - Backdating, now + LeafCertificate.Lifetime, serial);
        pair.Save(made, key);
        return true;
    }

    public void Dispose() => certificate.Dispose();

    private bool IsFresh(X509Certificate2 leaf) =>
        leaf.NotAfter.ToUniversalTime() - time.GetUtcNow() > LeafCertificate.Lifetime / 2;

    private bool IsOurs(X509Certificate2 leaf)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(certificate);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = time.GetUtcNow().UtcDateTime;
        return chain.Build(leaf);
    }

}
