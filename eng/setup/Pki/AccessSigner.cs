using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace Lepton.Setup.Pki;

/// <summary>
/// Signs the file of roles and tenants as services take it: a JWS in compact form, ES256, its certificate in x5c
/// (services/Lepton.ServiceDefaults/Access/SignedAccess.cs).
/// </summary>
internal static class AccessSigner
{
    public const string Folder = "access", Name = "signer";

    /// <summary>Signs unless what is there is this content under this certificate. True: it was signed.</summary>
    public static bool Sign(string source, string pki)
    {
        using var signer = new PemPair(Path.Combine(pki, Folder), Name).TryLoad()
            ?? throw new SetupException($"{Path.Combine(pki, Folder)} holds no certificate to sign {source} with.");
        var header = Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
        {
            ["alg"] = "ES256",
            ["typ"] = "lepton-access+jws",
            ["x5c"] = new[] { Convert.ToBase64String(signer.RawData) },
        }));
        var signed = $"{header}.{Base64Url.EncodeToString(File.ReadAllBytes(source))}";
        var target = Path.Combine(pki, "access.jws");
        if (File.Exists(target) && File.ReadAllText(target).StartsWith(signed + ".", StringComparison.Ordinal))
            return false;
        using var key = signer.GetECDsaPrivateKey() ?? throw new SetupException("The signer's key is no P-256 key.");
        var signature = key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256);
        // Whole or not at all: services look at it while this writes.
        File.WriteAllText(target + ".new", $"{signed}.{Base64Url.EncodeToString(signature)}");
        File.Move(target + ".new", target, overwrite: true);
        return true;
    }
}
