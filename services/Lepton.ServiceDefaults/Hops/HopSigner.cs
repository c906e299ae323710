using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Lepton.Hop.V1;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Signs hop assertions with a router's signing key, which may be renewed while it is in use. Safe for concurrent use.
/// </summary>
public sealed class HopSigner : IDisposable
{
    private readonly FollowedFiles<HopKey>? files;
    private readonly HopKey? only;

    /// <summary>Takes the certificate with its P-256 key.</summary>
    public HopSigner(X509Certificate2 certificate) => only = new HopKey(certificate);

    private HopSigner(FollowedFiles<HopKey> files) => this.files = files;

    /// <summary>What signs now. A grant is made again when it changes.</summary>
    internal HopKey Key => files?.Latest ?? only ?? throw new ObjectDisposedException(nameof(HopSigner));

    /// <summary>Reads the pair of PEM files, once.</summary>
    public static HopSigner FromFiles(string certificateFile, string keyFile) =>
        new(X509Certificate2.CreateFromPemFile(certificateFile, keyFile));

    /// <summary>
    /// Reads the pair of PEM files, and again when they change. Taken is a hop signing certificate of the authority,
    /// in its time, of a router, and of the same one as before.
    /// </summary>
    /// <exception cref="InvalidDataException">The files hold none such.</exception>
    public static HopSigner Following(TlsMaterial material, string certificateFile, string keyFile)
    {
        ArgumentNullException.ThrowIfNull(material);
        return new HopSigner(material.Follow<HopKey>("hop", [certificateFile, keyFile], Read, key => key.Certificate));

        HopKey Read(HopKey? former)
        {
            var certificate = X509Certificate2.CreateFromPemFile(certificateFile, keyFile);
            if (!material.IsTrusted(certificate, HopHeader.Use)
                || Caller.FromCertificate(certificate) is not { } caller || !caller.IsService("routing"))
                throw new InvalidDataException($"{certificateFile} is no router's hop signing certificate of this "
                    + "installation that is in its time.");
            if (former is not null && !caller.Equals(Caller.FromCertificate(former.Certificate)))
                throw new InvalidDataException($"{certificateFile} names another than the certificate before it.");
            return new HopKey(certificate);
        }
    }

    /// <summary>
    /// The value of <see cref="HopHeader.Name"/> for these claims, in base64, signed by itself: for calls that are too
    /// rare for a grant.
    /// </summary>
    public string Sign(HopAssertion assertion)
    {
        ArgumentNullException.ThrowIfNull(assertion);
        var (key, claims) = (Key, assertion.ToByteString());
        return Convert.ToBase64String(new SignedHopAssertion
        {
            Assertion = claims, Certificate = key.Raw, Signature = key.Sign(HopHeader.AssertionContext, claims),
        }.ToByteArray());
    }

    /// <summary>The value of <see cref="HopHeader.Grant"/> for this grant, in base64.</summary>
    public string Sign(HopGrant grant) => Sign(grant, Key);

    internal static string Sign(HopGrant grant, HopKey key)
    {
        ArgumentNullException.ThrowIfNull(grant);
        var bytes = grant.ToByteString();
        return Convert.ToBase64String(new SignedHopGrant
        {
            Grant = bytes, Certificate = key.Raw, Signature = key.Sign(HopHeader.GrantContext, bytes),
        }.ToByteArray());
    }

    /// <inheritdoc />
    public void Dispose()
    {
        only?.Dispose();
        files?.Latest.Dispose(); // former ones may still be signing, and go with the collector
    }
}

/// <summary>One certificate that signs, with its key.</summary>
internal sealed class HopKey : IDisposable
{
    private readonly ThreadLocal<ECDsa> keys; // ECDsa objects are not promised to be safe for concurrent use

    public HopKey(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        Certificate = certificate;
        Raw = ByteString.CopyFrom(certificate.RawData);
        using var first = certificate.GetECDsaPrivateKey();
        if (first is not { KeySize: 256 })
            throw new ArgumentException("A hop signing certificate comes with a P-256 key.", nameof(certificate));
        keys = new ThreadLocal<ECDsa>(() => certificate.GetECDsaPrivateKey() ?? throw new CryptographicException(
            "The signing key is gone."), trackAllValues: true);
    }

    public X509Certificate2 Certificate { get; }

    public ByteString Raw { get; }

    public ByteString Sign(ReadOnlySpan<byte> context, ByteString bytes) => ByteString.CopyFrom(
        (keys.Value ?? throw new ObjectDisposedException(nameof(HopKey)))
            .SignData([.. context, .. bytes.Span], HashAlgorithmName.SHA256));

    public void Dispose()
    {
        foreach (var key in keys.Values)
            key.Dispose();
        keys.Dispose();
    }
}
