using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace Lepton.Sync.Client;

/// <summary>
/// Control data as it is kept in a record: a JWS in compact form (RFC 7515), ES256, by the certificate that signs the
/// access file too (<see cref="KeyUsage"/>). The protected header names the record and its version, so that what was
/// signed for one cannot be put in another's place, nor an older one in a newer one's.
/// </summary>
/// <param name="Key">The record that it was signed for.</param>
/// <param name="Version">Counts up with every change; 1 or more.</param>
/// <param name="SignTime">When it was signed, to the second.</param>
/// <param name="Content">What was signed.</param>
/// <param name="Jws">As it is kept.</param>
public sealed record SignedContent(
    string Key, long Version, DateTimeOffset SignTime, ReadOnlyMemory<byte> Content, ReadOnlyMemory<byte> Jws)
{
    /// <summary>Extended key usage of the signing certificate: the installation's for control data.</summary>
    public const string KeyUsage = ServiceDefaults.SignedAccess.KeyUsage;

    /// <summary>Longest record, in bytes: 1 MiB, as for every record. Content is a quarter less.</summary>
    public const int BytesMax = 1 << 20;

    /// <summary>The header's <c>typ</c>.</summary>
    public const string Type = "lepton-control+jws";

    private static readonly TimeSpan ClockSkewMax = TimeSpan.FromMinutes(5);

    /// <summary>Signs.</summary>
    /// <param name="key">The record that it is for.</param>
    /// <param name="version">1 or more.</param>
    /// <param name="content">What to sign.</param>
    /// <param name="signer">The certificate, with its key on P-256.</param>
    /// <param name="now">The time of signing.</param>
    public static SignedContent Sign(
        string key, long version, ReadOnlyMemory<byte> content, X509Certificate2 signer, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(signer);
        using var privateKey = signer.GetECDsaPrivateKey()
            ?? throw new ArgumentException("takes a certificate with its key on P-256", nameof(signer));
        var header = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
        {
            ["alg"] = "ES256",
            ["typ"] = Type,
            ["x5c"] = new[] { Convert.ToBase64String(signer.RawData) },
            ["iat"] = now.ToUnixTimeSeconds(),
            ["record"] = key,
            ["version"] = version,
        });
        var signed = $"{Base64Url.EncodeToString(header)}.{Base64Url.EncodeToString(content.Span)}";
        var signature = privateKey.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256);
        var jws = Encoding.ASCII.GetBytes($"{signed}.{Base64Url.EncodeToString(signature)}");
        return new SignedContent(key, version, DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds()), content,
            jws);
    }

    /// <summary>Reads and verifies.</summary>
    /// <param name="jws">As it is kept.</param>
    /// <param name="key">The record that it must have been signed for.</param>
    /// <param name="trusted">
    /// Was this a certificate of our authority for this use, at this time? The time is when it was signed: signers live
    /// for days, and what they signed outlives them.
    /// </param>
    /// <param name="now">Nothing was signed later than 5 min from now.</param>
    /// <exception cref="ControlContentException">It is not what a trusted signer signed for this record.</exception>
    public static SignedContent Read(
        ReadOnlyMemory<byte> jws, string key, Func<X509Certificate2, DateTimeOffset, bool> trusted, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(trusted);
        if (jws.Length > BytesMax)
            throw new ControlContentException($"takes {BytesMax} bytes at most, signed.");
        var span = jws.Span;
        var first = span.IndexOf((byte)'.');
        var last = span.LastIndexOf((byte)'.');
        if (first <= 0 || last <= first || span[(first + 1)..last].Contains((byte)'.'))
            throw new ControlContentException("takes a JWS in compact form; ./lepton policy publish makes one.");
        try
        {
            var header = Header.Parse(Base64Url.DecodeFromUtf8(span[..first]));
            using var certificate = header.Signer;
            using var publicKey = certificate.GetECDsaPublicKey();
            if (header.Record != key)
                throw new ControlContentException($"was signed for '{header.Record}', not for '{key}'.");
            if (header.SignTime > now + ClockSkewMax)
                throw new ControlContentException($"was signed at {header.SignTime:O}, which is yet to come.");
            if (publicKey is not { KeySize: 256 } || !trusted(certificate, header.SignTime))
                throw new ControlContentException("its signer's certificate is not this installation's for control data"
                    + " or was not in its time when it was signed.");
            if (!publicKey.VerifyData(span[..last], Base64Url.DecodeFromUtf8(span[(last + 1)..]),
                HashAlgorithmName.SHA256))
                throw new ControlContentException("the signature does not match: it was changed after it was signed.");
            return new SignedContent(
                key, header.Version, header.SignTime, Base64Url.DecodeFromUtf8(span[(first + 1)..last]), jws);
        }
        catch (Exception e) when (e is FormatException or CryptographicException or JsonException
            or ArgumentOutOfRangeException or InvalidOperationException)
        {
            throw new ControlContentException($"is damaged: {e.Message}", e);
        }
    }

    /// <summary>The version that a JWS says it has, unverified; null: it has no such form.</summary>
    public static long? PeekVersion(ReadOnlySpan<byte> jws)
    {
        try
        {
            if (jws.Length > BytesMax || jws.IndexOf((byte)'.') is not (> 0 and var end))
                return null;
            using var json = JsonDocument.Parse(Base64Url.DecodeFromUtf8(jws[..end]));
            return json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("version", out var value)
                && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var version) ? version : null;
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            return null;
        }
    }

    private sealed record Header(X509Certificate2 Signer, DateTimeOffset SignTime, string Record, long Version)
    {
        public static Header Parse(byte[] bytes)
        {
            using var json = JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowDuplicateProperties = false });
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object || Text(root, "alg") != "ES256" || Text(root, "typ") != Type
                || !root.TryGetProperty("x5c", out var chain) || chain.ValueKind != JsonValueKind.Array
                || chain.GetArrayLength() != 1 || chain[0].ValueKind != JsonValueKind.String)
                throw new ControlContentException(
                    $"takes a header of alg ES256, typ {Type} and one certificate in x5c.");
            if (Text(root, "record") is not { } record || Whole(root, "iat") is not { } at
                || Whole(root, "version") is not (>= 1 and var version))
                throw new ControlContentException(
                    "takes a header with record, iat and a version of 1 or more.");
            return new Header(X509CertificateLoader.LoadCertificate(chain[0].GetBytesFromBase64()),
                DateTimeOffset.FromUnixTimeSeconds(at), record, version);
        }

        private static string? Text(JsonElement root, string name) =>
            root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
                ? value.GetString() : null;

        private static long? Whole(JsonElement root, string name) =>
            root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
                && value.TryGetInt64(out var whole) ? whole : null;
    }
}

/// <summary>Control data that is not taken; the message says why.</summary>
public sealed class ControlContentException(string message, Exception? cause = null) : Exception(message, cause);
