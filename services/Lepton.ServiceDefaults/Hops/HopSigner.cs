using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Lepton.Hop.V1;

namespace Lepton.ServiceDefaults;

/// <summary>Signs hop assertions with a router's signing key. Safe for concurrent use.</summary>
public sealed class HopSigner : IDisposable
{
    private readonly ByteString certificate;
    private readonly ThreadLocal<ECDsa> keys; // ECDsa objects are not promised to be safe for concurrent use

    /// <summary>Takes the certificate with its P-256 key.</summary>
    public HopSigner(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        this.certificate = ByteString.CopyFrom(certificate.RawData);
        using var first = certificate.GetECDsaPrivateKey();
        if (first is not { KeySize: 256 })
            throw new ArgumentException("A hop signing certificate comes with a P-256 key.", nameof(certificate));
        keys = new ThreadLocal<ECDsa>(() => certificate.GetECDsaPrivateKey() ?? throw new CryptographicException(
            "The signing key is gone."), trackAllValues: true);
    }

    /// <summary>Reads the pair of PEM files.</summary>
    public static HopSigner FromFiles(string certificateFile, string keyFile) =>
        new(X509Certificate2.CreateFromPemFile(certificateFile, keyFile));

    /// <summary>
    /// The value of <see cref="HopHeader.Name"/> for these claims, in base64, signed by itself: for calls that are too
    /// rare for a grant.
    /// </summary>
    public string Sign(HopAssertion assertion)
    {
        ArgumentNullException.ThrowIfNull(assertion);
        var claims = assertion.ToByteString();
        return Convert.ToBase64String(new SignedHopAssertion
        {
            Assertion = claims, Certificate = certificate, Signature = Sign(HopHeader.AssertionContext, claims),
        }.ToByteArray());
    }

    /// <summary>The value of <see cref="HopHeader.Grant"/> for this grant, in base64.</summary>
    public string Sign(HopGrant grant)
    {
        ArgumentNullException.ThrowIfNull(grant);
        var bytes = grant.ToByteString();
        return Convert.ToBase64String(new SignedHopGrant
        {
            Grant = bytes, Certificate = certificate, Signature = Sign(HopHeader.GrantContext, bytes),
        }.ToByteArray());
    }

    private ByteString Sign(ReadOnlySpan<byte> context, ByteString bytes) => ByteString.CopyFrom(
        Key().SignData([.. context, .. bytes.Span], HashAlgorithmName.SHA256));

    private ECDsa Key() => keys.Value ?? throw new ObjectDisposedException(nameof(HopSigner));

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var key in keys.Values)
            key.Dispose();
        keys.Dispose();
    }
}
