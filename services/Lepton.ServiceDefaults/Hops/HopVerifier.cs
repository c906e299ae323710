using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Lepton.Hop.V1;

namespace Lepton.ServiceDefaults;

/// <summary>What came of checking a hop assertion.</summary>
public abstract record HopVerdict
{
    private HopVerdict() { }

    /// <summary>Genuine, in its time, and for us.</summary>
    /// <param name="Assertion">The claims.</param>
    /// <param name="Issuer">The router that signed.</param>
    public sealed record Accepted(HopAssertion Assertion, Caller Issuer) : HopVerdict;

    /// <summary>Not to be taken.</summary>
    /// <param name="Why">For people; safe to answer with.</param>
    public sealed record Refused(string Why) : HopVerdict;
}

/// <summary>Checks hop assertions against the installation's authority. Safe for concurrent use.</summary>
public sealed class HopVerifier(TlsMaterial material, TimeProvider time)
{
    private const int IssuersMax = 1024;
    private static readonly Oid Use = new(HopHeader.KeyUsage);
    private static readonly TimeSpan ClockSkewMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LifetimeMax = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<ByteString, Issuer> issuers = new();

    /// <summary>Checks the header's value, in base64, padded or not.</summary>
    /// <param name="header">The value; null or empty when the header is missing.</param>
    /// <param name="audience">Who we are: a node's id or <c>router/REGION</c>.</param>
    /// <param name="peer">The other end of the connection: only it may have signed.</param>
    public HopVerdict Verify(string? header, string audience, Caller peer)
    {
        if (string.IsNullOrEmpty(header))
            return new HopVerdict.Refused($"{HopHeader.Name} is missing.");
        var bytes = new byte[Math.Min(header.Length, HopHeader.BytesMax)];
        var padded = (header.Length % 4) switch { 2 => header + "==", 3 => header + "=", _ => header };
        return Convert.TryFromBase64String(padded, bytes, out var length)
            ? Verify(bytes.AsSpan(0, length), audience, peer)
            : new HopVerdict.Refused($"{HopHeader.Name} is not base64 of at most {HopHeader.BytesMax} bytes.");
    }

    /// <summary>Checks the header's value, decoded.</summary>
    public HopVerdict Verify(ReadOnlySpan<byte> header, string audience, Caller peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        if (header.Length is 0 or > HopHeader.BytesMax)
            return new HopVerdict.Refused($"{HopHeader.Name} takes 1 to {HopHeader.BytesMax} bytes.");
        try
        {
            var signed = SignedHopAssertion.Parser.ParseFrom(header);
            var issuer = FindIssuer(signed.Certificate);
            if (issuer is null || !issuer.InTime(time.GetUtcNow()))
                return new HopVerdict.Refused("The signing certificate is not a router's of this installation.");
            if (!issuer.Caller.Equals(peer))
                return new HopVerdict.Refused($"Signed by {issuer.Caller.Principal}, sent by {peer.Principal}.");
            if (!issuer.Signed(signed))
                return new HopVerdict.Refused("The signature does not match.");
            var assertion = HopAssertion.Parser.ParseFrom(signed.Assertion);
            return Fault(assertion, audience) is { } fault
                ? new HopVerdict.Refused(fault)
                : new HopVerdict.Accepted(assertion, issuer.Caller);
        }
        catch (InvalidProtocolBufferException)
        {
            return new HopVerdict.Refused($"{HopHeader.Name} is not a SignedHopAssertion.");
        }
    }

    private string? Fault(HopAssertion a, string audience)
    {
        if (a.Tenant == "" || a.Principal == "" || a.DataClass == "" || a.DecisionId == ""
            || a.AllowedRegions.Count == 0
            || a.IssueTime is null || a.ExpireTime is null)
            return "The assertion lacks a required field.";
        if (a.Audience != audience)
            return $"The assertion is for {a.Audience}.";
        if (a.Hops is < 1 or > 2)
            return $"The assertion has made {a.Hops} hops; 1 or 2 are allowed.";
        var now = time.GetUtcNow();
        var issued = a.IssueTime.ToDateTimeOffset();
        var expires = a.ExpireTime.ToDateTimeOffset();
        if (issued > now + ClockSkewMax)
            return "The assertion is from the future.";
        return now >= expires || expires - issued > LifetimeMax ? "The assertion has expired." : null;
    }

    private Issuer? FindIssuer(ByteString der)
    {
        if (issuers.TryGetValue(der, out var known))
            return known;
        if (Issuer.Read(der, material) is not { } issuer)
            return null;
        if (issuers.Count >= IssuersMax) // certificates live for days: this many are many generations of routers
            issuers.Clear();
        return issuers.GetOrAdd(der, issuer);
    }

    private sealed class Issuer(Caller caller, X509Certificate2 certificate)
    {
        // One key object a concurrent call: ECDsa objects are not promised to be safe for concurrent use.
        private readonly ConcurrentBag<ECDsa> keys = [];

        public Caller Caller => caller;

        public bool InTime(DateTimeOffset now) => now >= certificate.NotBefore && now < certificate.NotAfter;

        public bool Signed(SignedHopAssertion signed)
        {
            var key = keys.TryTake(out var idle) ? idle : PublicKey(certificate);
            try
            {
                return key.VerifyData(
                    HopHeader.Signed(signed.Assertion.Span), signed.Signature.Span, HashAlgorithmName.SHA256);
            }
            finally
            {
                keys.Add(key);
            }
        }

        public static Issuer? Read(ByteString der, TlsMaterial material)
        {
            try
            {
                var certificate = X509CertificateLoader.LoadCertificate(der.Span);
                using var key = PublicKey(certificate);
                return key.KeySize == 256 && material.IsTrusted(certificate, Use)
                    && Caller.FromCertificate(certificate) is { } caller && caller.IsService("routing")
                    ? new Issuer(caller, certificate)
                    : null;
            }
            catch (CryptographicException)
            {
                return null; // not a certificate: refused by the caller with a reason
            }
        }

        private static ECDsa PublicKey(X509Certificate2 certificate) =>
            certificate.GetECDsaPublicKey() ?? throw new CryptographicException("Not an elliptic-curve key.");
    }
}
