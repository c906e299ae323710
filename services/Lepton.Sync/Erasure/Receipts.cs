using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Lepton.ServiceDefaults;

namespace Lepton.Sync.Erasure;

/// <summary>
/// Receipts of an erasure: a JWS in compact form (RFC 7515), ES256, with the certificate of the region's service sync
/// in <c>x5c</c>. Whoever has the installation's authority can check one, without asking anybody.
/// </summary>
internal static class Receipts
{
    public const string Type = "lepton-erasure+jws";
    public const int BytesMax = 16 << 10;
    private const string TimeForm = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>Signs with the certificate's P-256 key.</summary>
    public static NodeReceipt Sign(
        ErasureOrder order, string node, string region, DateTimeOffset destroyTime, int keys, long records,
        X509Certificate2 certificate)
    {
        using var key = certificate.GetECDsaPrivateKey();
        if (key is not { KeySize: 256 })
            throw new CryptographicException("Receipts are signed with a P-256 key; Lepton:Tls:KeyFile holds another.");
        var header = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
        {
            ["alg"] = "ES256", ["typ"] = Type, ["x5c"] = new[] { Convert.ToBase64String(certificate.RawData) },
        });
        var claims = JsonSerializer.SerializeToUtf8Bytes(Claims(order, node, region, destroyTime, keys, records));
        var signed = $"{Base64Url.EncodeToString(header)}.{Base64Url.EncodeToString(claims)}";
        var signature = key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256);
        return new NodeReceipt(
            node, region, destroyTime, keys, records, $"{signed}.{Base64Url.EncodeToString(signature)}");
    }

    /// <summary>Why this is not that node's receipt of that order; null: it is.</summary>
    public static string? Fault(
        NodeReceipt receipt, ErasureOrder order, string node, string region, Func<X509Certificate2, bool> isTrusted)
    {
        if (receipt.Node != node || receipt.Region != region)
            return "It is another node's.";
        var parts = receipt.Signature.Split('.');
        if (receipt.Signature.Length > BytesMax || parts.Length != 3)
            return "It is no JWS in compact form.";
        try
        {
            using var certificate = Signer(Base64Url.DecodeFromChars(parts[0]));
            using var key = certificate?.GetECDsaPublicKey();
            if (certificate is null || key is not { KeySize: 256 } || !isTrusted(certificate)
                || Caller.FromCertificate(certificate)?.IsService("sync", region) != true)
                return $"It is not signed by service sync of {region} of this installation.";
            if (!key.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]),
                HashAlgorithmName.SHA256))
                return "The signature does not match.";
            var expected = JsonSerializer.SerializeToUtf8Bytes(Claims(
                order, node, region, receipt.DestroyTime, receipt.Keys, receipt.Records));
            return Base64Url.DecodeFromChars(parts[1]).AsSpan().SequenceEqual(expected)
                ? null
                : "It is of another erasure, or says something else than it signs.";
        }
        catch (Exception e) when (e is FormatException or CryptographicException or JsonException)
        {
            return $"It is damaged: {e.Message}";
        }
    }

    // The order of names is fixed: the bytes are compared.
    private static Dictionary<string, object> Claims(
        ErasureOrder order, string node, string region, DateTimeOffset destroyTime, int keys, long records) => new()
        {
            ["erasure_id"] = order.Id.ToString(),
            ["tenant"] = order.Subject.Tenant,
            ["node"] = node,
            ["region"] = region,
            ["destroy_time"] = destroyTime.UtcDateTime.ToString(TimeForm, CultureInfo.InvariantCulture),
            ["keys"] = keys,
            ["records"] = records,
        };

    private static X509Certificate2? Signer(byte[] header)
    {
        using var json = JsonDocument.Parse(header);
        var root = json.RootElement;
        return root.ValueKind == JsonValueKind.Object && Text(root, "alg") == "ES256" && Text(root, "typ") == Type
            && root.TryGetProperty("x5c", out var chain) && chain.ValueKind == JsonValueKind.Array
            && chain.GetArrayLength() == 1 && chain[0].ValueKind == JsonValueKind.String
            ? X509CertificateLoader.LoadCertificate(chain[0].GetBytesFromBase64())
            : null;
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
