using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace Lepton.Compliance.Client.Audit.Proofs;

/// <summary>
/// A JWS in compact form (RFC 7515): ES256, one certificate in <c>x5c</c>. What it says is compared byte by byte with
/// what it should say.
/// </summary>
internal static class SignedWord
{
    public const int CharactersMax = 16 << 10;

    public static string Sign(string type, IReadOnlyDictionary<string, object> claims, X509Certificate2 certificate)
    {
        using var key = certificate.GetECDsaPrivateKey();
        if (key is not { KeySize: 256 })
            throw new CryptographicException("It is signed with a P-256 key; the certificate has another.");
        var header = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
        {
            ["alg"] = "ES256", ["typ"] = type, ["x5c"] = new[] { Convert.ToBase64String(certificate.RawData) },
        });
        var said = Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(claims));
        var signed = $"{Base64Url.EncodeToString(header)}.{said}";
        var signature = key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    /// <summary>Why it is not what a trusted signer said of this; null: it is.</summary>
    public static string? Fault(
        string word, string type, IReadOnlyDictionary<string, object> claims, Func<X509Certificate2, bool> isTrusted)
    {
        var parts = word.Split('.');
        if (word.Length > CharactersMax || parts.Length != 3)
            return "the signature is no JWS in compact form";
        try
        {
            using var certificate = Signer(Base64Url.DecodeFromChars(parts[0]), type);
            using var key = certificate?.GetECDsaPublicKey();
            if (certificate is null || key is not { KeySize: 256 } || !isTrusted(certificate))
                return "the signer's certificate is not of this installation, not for this use, or of another region";
            if (!key.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"),
                Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256))
                return "the signature does not match";
            return Base64Url.DecodeFromChars(parts[1]).AsSpan().SequenceEqual(
                JsonSerializer.SerializeToUtf8Bytes(claims))
                ? null
                : "the signature is over something else";
        }
        catch (Exception e) when (e is FormatException or CryptographicException or JsonException)
        {
            return $"the signature is damaged: {e.Message}";
        }
    }

    private static X509Certificate2? Signer(byte[] header, string type)
    {
        using var json = JsonDocument.Parse(header);
        var root = json.RootElement;
        return root.ValueKind == JsonValueKind.Object && Text(root, "alg") == "ES256" && Text(root, "typ") == type
            && root.TryGetProperty("x5c", out var chain) && chain.ValueKind == JsonValueKind.Array
            && chain.GetArrayLength() == 1 && chain[0].ValueKind == JsonValueKind.String
            ? X509CertificateLoader.LoadCertificate(chain[0].GetBytesFromBase64())
            : null;
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
