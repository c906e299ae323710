using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lepton.ServiceDefaults;

/// <summary>
/// This process's certificate and the authority it trusts, kept current with the files: a renewed leaf is used by
/// the next handshake, without a restart. A renewal is taken only as a whole: the key fits, the leaf is of the
/// authority, in its time, and says the same name as before. Else it is logged and the former leaf kept.
/// </summary>
public sealed class TlsMaterial
{
    private static readonly Oid ServerUse = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientUse = new("1.3.6.1.5.5.7.3.2");

    private readonly TlsOptions options;
    private readonly TimeProvider time;
    private readonly ILogger<TlsMaterial> logger;
    private readonly FollowedFiles<Loaded> own;
    private volatile FollowedFiles[] followed;

    /// <summary>Reads the files; a missing or damaged one is an exception that names it.</summary>
    public TlsMaterial(IOptions<TlsOptions> options, TimeProvider time, ILogger<TlsMaterial> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        this.options = options.Value;
        this.time = time;
        this.logger = logger;
        own = new FollowedFiles<Loaded>("tls",
            [this.options.CertificateFile, this.options.KeyFile, this.options.AuthorityFile], Read, l => l.Certificate,
            this.options.ReloadInterval, time, logger);
        followed = [own];
    }

    /// <summary>This process's certificate with its key.</summary>
    public X509Certificate2 Certificate => own.Current.Certificate;

    /// <summary>Everything that is kept current with its files.</summary>
    internal IReadOnlyList<FollowedFiles> Followed => followed;

    /// <summary>Is this a server's certificate of our authority?</summary>
    public bool IsTrustedServer(X509Certificate2 certificate) => IsTrusted(certificate, ServerUse);

    /// <summary>Is this a client's certificate of our authority?</summary>
    public bool IsTrustedClient(X509Certificate2 certificate) => IsTrusted(certificate, ClientUse);

    /// <summary>What TLS clients check a server's name and certificate by.</summary>
    internal X509ChainPolicy ServerPolicy()
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.Add(own.Current.Authority);
        policy.ApplicationPolicy.Add(ServerUse);
        return policy;
    }

    /// <summary>Is this a leaf of our authority, in its time, and made for this use?</summary>
    public bool IsTrusted(X509Certificate2 certificate, Oid use) => IsTrusted(certificate, use, time.GetUtcNow());

    /// <summary>Was this a leaf of our authority, in its time at that moment, and made for this use?</summary>
    public bool IsTrusted(X509Certificate2 certificate, Oid use, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        ArgumentNullException.ThrowIfNull(use);
        // A leaf without any extended key usage would pass for every use; an authority is nobody to talk to.
        return certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any() && !IsAuthority(certificate)
            && IsSigned(certificate, own.Current.Authority, use, at);
    }

    /// <summary>Keeps something else current with its files too, at the same pace; it counts in metrics and
    /// health.</summary>
    internal FollowedFiles<T> Follow<T>(
        string name, string[] files, Func<T?, T> read, Func<T, X509Certificate2> leaf) where T : class
    {
        var further = new FollowedFiles<T>(name, files, read, leaf, options.ReloadInterval, time, logger);
        FollowedFiles[] before;
        do
            before = followed;
        while (Interlocked.CompareExchange(ref followed, [.. before, further], before) != before);
        return further;
    }

    private static bool IsAuthority(X509Certificate2 certificate) => certificate.Extensions
        .OfType<X509BasicConstraintsExtension>().Any(constraints => constraints.CertificateAuthority);

    private static bool IsSigned(
        X509Certificate2 certificate, X509Certificate2 authority, Oid? use, DateTimeOffset at)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck; // leaves live for days and are not revoked
        chain.ChainPolicy.DisableCertificateDownloads = true;
        if (use is not null)
            chain.ChainPolicy.ApplicationPolicy.Add(use);
        chain.ChainPolicy.VerificationTime = at.UtcDateTime;
        return chain.Build(certificate);
    }

    private Loaded Read(Loaded? former)
    {
        var certificate = X509Certificate2.CreateFromPemFile(options.CertificateFile, options.KeyFile);
        var authority = X509Certificate2.CreateFromPem(File.ReadAllText(options.AuthorityFile));
        if (!IsSigned(certificate, authority, use: null, time.GetUtcNow()))
            throw new InvalidDataException($"Lepton:Tls:CertificateFile takes a certificate of Lepton:Tls:AuthorityFile"
                + $" that is in its time: {options.CertificateFile} is not, or not now.");
        if (former is not null && !Equals(Caller.FromCertificate(certificate), Caller.FromCertificate(
            former.Certificate)))
            throw new InvalidDataException($"{options.CertificateFile} names another than the certificate before it.");
        return new Loaded(certificate, authority);
    }

    private sealed record Loaded(X509Certificate2 Certificate, X509Certificate2 Authority);
}
