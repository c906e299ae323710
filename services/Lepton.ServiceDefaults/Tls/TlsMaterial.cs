using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lepton.ServiceDefaults;

/// <summary>
/// This process's certificate and the authority it trusts, kept current with the files: a renewed leaf is used by
/// the next handshake, without a restart. A damaged renewal is logged and the former leaf kept.
/// </summary>
public sealed partial class TlsMaterial
{
    private static readonly Oid ServerUse = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientUse = new("1.3.6.1.5.5.7.3.2");

    private readonly TlsOptions options;
    private readonly TimeProvider time;
    private readonly ILogger<TlsMaterial> logger;
    private readonly Lock reading = new();
    private volatile Loaded loaded;

    /// <summary>Reads the files; a missing or damaged one is an exception that names it.</summary>
    public TlsMaterial(IOptions<TlsOptions> options, TimeProvider time, ILogger<TlsMaterial> logger)
    {
        this.options = options.Value;
        this.time = time;
        this.logger = logger;
        loaded = Read();
    }

    /// <summary>This process's certificate with its key.</summary>
    public X509Certificate2 Certificate => Current().Certificate;

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
        policy.CustomTrustStore.Add(Current().Authority);
        policy.ApplicationPolicy.Add(ServerUse);
        return policy;
    }

    /// <summary>Is this certificate of our authority, in its time, and made for this use?</summary>
    public bool IsTrusted(X509Certificate2 certificate, Oid use)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(Current().Authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck; // leaves live for days and are not revoked
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(use);
        chain.ChainPolicy.VerificationTime = time.GetUtcNow().UtcDateTime;
        // A leaf without any extended key usage would pass for every use.
        return certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any() && chain.Build(certificate);
    }

    private Loaded Current()
    {
        var current = loaded;
        if (time.GetElapsedTime(current.LookedAt) < options.ReloadInterval || !reading.TryEnter())
            return current;
        try
        {
            return loaded = Stamp() == current.Stamp ? current with { LookedAt = time.GetTimestamp() } : Read();
        }
        catch (Exception e) when (e is IOException or CryptographicException or UnauthorizedAccessException)
        {
            LogRenewalUnreadable(e, options.CertificateFile);
            return loaded = current with { LookedAt = time.GetTimestamp() };
        }
        finally
        {
            reading.Exit();
        }
    }

    private Loaded Read()
    {
        var stamp = Stamp();
        var certificate = X509Certificate2.CreateFromPemFile(options.CertificateFile, options.KeyFile);
        var authority = X509Certificate2.CreateFromPem(File.ReadAllText(options.AuthorityFile));
        return new Loaded(certificate, authority, stamp, time.GetTimestamp());
    }

    private (DateTime, DateTime, DateTime) Stamp() => (File.GetLastWriteTimeUtc(options.CertificateFile),
        File.GetLastWriteTimeUtc(options.KeyFile), File.GetLastWriteTimeUtc(options.AuthorityFile));

    [LoggerMessage(LogLevel.Error, "The renewed certificate {File} cannot be read; the former one stays in use.")]
    private partial void LogRenewalUnreadable(Exception e, string file);

    private sealed record Loaded(X509Certificate2 Certificate, X509Certificate2 Authority,
        (DateTime, DateTime, DateTime) Stamp, long LookedAt);
}
