using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;

namespace Lepton.ServiceDefaults;

/// <summary>The routers whose signing certificates were seen, each checked against the authority once.</summary>
internal sealed class HopIssuers(TlsMaterial material, TimeProvider time)
{
    private const int IssuersMax = 1024;

    private readonly ConcurrentDictionary<ByteString, Issuer> issuers = new();

    /// <summary>Why these bytes are not that peer's; null: they are.</summary>
    public string? Fault(
        ByteString certificate, ByteString signature, ReadOnlySpan<byte> context, ByteString bytes, Caller peer,
        out Issuer? issuer)
    {
        issuer = Find(certificate);
        if (issuer is null || !issuer.InTime(time.GetUtcNow()))
            return "The signing certificate is not a router's of this installation.";
        if (!issuer.Caller.Equals(peer))
            return $"Signed by {issuer.Caller.Principal}, sent by {peer.Principal}.";
        return issuer.Signed([.. context, .. bytes.Span], signature.Span) ? null : "The signature does not match.";
    }

    private Issuer? Find(ByteString der)
    {
        if (issuers.TryGetValue(der, out var known))
            return known;
        if (Read(der) is not { } issuer)
            return null;
        if (issuers.Count >= IssuersMax) // certificates live for days: this many are many generations of routers
            issuers.Clear();
        return issuers.GetOrAdd(der, issuer);
    }

    private Issuer? Read(ByteString der)
    {
        try
        {
            var certificate = X509CertificateLoader.LoadCertificate(der.Span);
            using var key = Issuer.PublicKey(certificate);
            return key.KeySize == 256 && material.IsTrusted(certificate, HopHeader.Use)
                && Caller.FromCertificate(certificate) is { } caller && caller.IsService("routing")
                ? new Issuer(caller, certificate)
                : null;
        }
        catch (CryptographicException)
        {
            return null; // not a certificate: refused by the caller with a reason
        }
    }

    internal sealed class Issuer(Caller caller, X509Certificate2 certificate)
    {
        // One key object a concurrent call: ECDsa objects are not promised to be safe for concurrent use.
        private readonly ConcurrentBag<ECDsa> keys = [];

        public Caller Caller => caller;

        public bool InTime(DateTimeOffset now) => now >= certificate.NotBefore && now < certificate.NotAfter;

        public bool Signed(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> signature)
        {
            var key = keys.TryTake(out var idle) ? idle : PublicKey(certificate);
            try
            {
                return key.VerifyData(bytes, signature, HashAlgorithmName.SHA256);
            }
            finally
            {
                keys.Add(key);
            }
        }

        public static ECDsa PublicKey(X509Certificate2 certificate) =>
            certificate.GetECDsaPublicKey() ?? throw new CryptographicException("Not an elliptic-curve key.");
    }
}
