using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lepton.Cli.Platform;

namespace Lepton.Cli.Commands.Control;

/// <summary>
/// Signs control data with the certificate that set-up made for it, in the form that services verify: a JWS in compact
/// form, ES256, whose header names record, version and time (services/Lepton.Sync.Client/Control/SignedContent.cs).
/// </summary>
internal sealed class ControlSigner(Installation installation, TimeProvider time)
{
    /// <summary>Longest record, as signed: 1 MiB.</summary>
    public const int BytesMax = 1 << 20;

    private const string Type = "lepton-control+jws";

    public byte[] Sign(string record, ControlDocument document)
    {
        using X509Certificate2 signer = Load();
        using ECDsa key = signer.GetECDsaPrivateKey()
            ?? throw new CommandFailure(ExitCode.Failed, "The signer's key is no P-256 key.");
        string header = Base64Url.EncodeToString(Encoding.UTF8.GetBytes(new JsonObject
        {
            ["alg"] = "ES256",
            ["typ"] = Type,
            ["x5c"] = new JsonArray(Convert.ToBase64String(signer.RawData)),
            ["iat"] = time.GetUtcNow().ToUnixTimeSeconds(),
            ["record"] = record,
            ["version"] = document.Version,
        }.ToJsonString()));
        string signed = $"{header}.{Base64Url.EncodeToString(document.Content.Span)}";
        byte[] signature = key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256);
        byte[] jws = Encoding.ASCII.GetBytes($"{signed}.{Base64Url.EncodeToString(signature)}");
        return jws.Length <= BytesMax
            ? jws
            : throw new CommandFailure(ExitCode.Usage,
                $"{document.Path} is {jws.Length} bytes when signed; a record takes {BytesMax}.");
    }

    /// <summary>
    /// What a record holds, unverified: services verify, this only says what is in the way. Null: nothing of this form.
    /// </summary>
    public static (long Version, byte[] Content)? Peek(ReadOnlySpan<byte> jws)
    {
        string[] parts = Encoding.ASCII.GetString(jws).Split('.');
        if (parts.Length != 3)
        {
            return null;
        }

        try
        {
            using JsonDocument header = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0]));
            return header.RootElement.ValueKind == JsonValueKind.Object
                && header.RootElement.TryGetProperty("version", out JsonElement version)
                && version.ValueKind == JsonValueKind.Number && version.TryGetInt64(out long number)
                    ? (number, Base64Url.DecodeFromChars(parts[1]))
                    : null;
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            return null;
        }
    }

    private X509Certificate2 Load()
    {
        (string certificate, string key) = installation.Signer;
        try
        {
            return X509Certificate2.CreateFromPemFile(certificate, key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new CommandFailure(ExitCode.Usage, $"There is nothing to sign with: {e.Message}")
            {
                Hints = ["Only who holds the installation's signing key can publish; ./lepton setup makes one."],
            };
        }
    }
}

/// <summary>A file of control data, and the version that it says it has.</summary>
internal sealed record ControlDocument(string Path, long Version, ReadOnlyMemory<byte> Content)
{
    private static readonly JsonDocumentOptions lenient = new()
    {
        CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, AllowDuplicateProperties = false,
    };

    public static ControlDocument Read(string path, ReadOnlyMemory<byte> content)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(content, lenient);
            return json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("version", out JsonElement version)
                && version.ValueKind == JsonValueKind.Number && version.TryGetInt64(out long number) && number >= 1
                    ? new ControlDocument(path, number, content)
                    : throw new CommandFailure(
                        ExitCode.Usage, $"{path}: version takes a whole number of 1 or more.");
        }
        catch (JsonException e)
        {
            throw new CommandFailure(ExitCode.Usage, $"{path} is no JSON: {e.Message}");
        }
    }
}
