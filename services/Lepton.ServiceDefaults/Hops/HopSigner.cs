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

    /// <summary>The value of <see cref="HopHeader.Name"/> for these claims, in base64.</summary>
    public string Sign(HopAssertion assertion)
    {
        ArgumentNullException.ThrowIfNull(assertion);
        var claims = assertion.ToByteString();
        var signed = new SignedHopAssertion
        {
            Assertion = claims,
            Certificate = certificate,
            Signature = ByteString.CopyFrom(
                Key().SignData(HopHeader.Signed(claims.Span), HashAlgorithmName.SHA256)),
        };
        return Convert.ToBase64String(signed.ToByteArray());
    }

    private ECDsa Key() => keys.Value ?? throw new ObjectDisposedException(nameof(HopSigner));

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var key in keys.Values)
            key.Dispose();
        keys.Dispose();
    }
}
