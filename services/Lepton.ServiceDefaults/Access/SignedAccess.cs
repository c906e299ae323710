using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace Lepton.ServiceDefaults;

/// <summary>
/// The access file's envelope: a JWS in compact form (RFC 7515), ES256, with the signer's certificate in <c>x5c</c>.
/// The certificate is of the installation's authority and good for this and nothing else (<see cref="KeyUsage"/>).
/// </summary>
public static class SignedAccess
{
    /// <summary>Extended key usage of the signing certificate.</summary>
    public const string KeyUsage = "1.3.6.1.4.1.59999.1.2";

    /// <summary>Largest file, in bytes: 64 MiB.</summary>
    public const int BytesMax = 64 << 20;

    private const string Type = "lepton-access+jws";

    /// <summary>The document that was signed.</summary>
    /// <exception cref="AccessFileException">It is not what a trusted signer signed, or is wrong.</exception>
    internal static AccessDocument Read(string jws, Func<X509Certificate2, bool> trusted)
    {
        var parts = jws.Trim().Split('.');
        if (parts.Length != 3)
            throw new AccessFileException("takes a JWS in compact form; ./lepton setup signs deploy/access.json.");
        try
        {
            using var certificate = Signer(Base64Url.DecodeFromChars(parts[0]));
            using var key = certificate.GetECDsaPublicKey();
            if (key is not { KeySize: 256 } || !trusted(certificate))
                throw new AccessFileException(
                    "its signer's certificate has expired or is not this installation's; ./lepton setup signs anew.");
            var signed = Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}");
            if (!key.VerifyData(signed, Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256))
                throw new AccessFileException("the signature does not match: it was changed after it was signed.");
            return AccessDocument.Read(Base64Url.DecodeFromChars(parts[1]));
        }
        catch (Exception e) when (e is FormatException or CryptographicException or JsonException)
        {
            throw new AccessFileException($"is damaged: {e.Message}");
        }
    }

    private static X509Certificate2 Signer(byte[] header)
    {
        using var json = JsonDocument.Parse(header);
        var root = json.RootElement;
        if (root.ValueKind != JsonValueKind.Object || Text(root, "alg") != "ES256" || Text(root, "typ") != Type
            || !root.TryGetProperty("x5c", out var chain) || chain.ValueKind != JsonValueKind.Array
            || chain.GetArrayLength() != 1 || chain[0].ValueKind != JsonValueKind.String)
            throw new AccessFileException($"takes a header of alg ES256, typ {Type} and one certificate in x5c.");
        return X509CertificateLoader.LoadCertificate(chain[0].GetBytesFromBase64());
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
