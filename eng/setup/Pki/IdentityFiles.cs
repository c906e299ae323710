using System.Security.Cryptography;
using System.Text.Json;

namespace Lepton.Setup.Pki;

/// <summary>
/// What the identity service of this installation starts with: the key that seals its signing keys, and the first
/// person, admin, with a password that is made once and read by its owner from a file.
/// </summary>
internal static class IdentityFiles
{
    public const string Folder = "identity";

    private const int PasswordCharacters = 24;

    // Without what looks alike: it is typed by people.
    private const string Alphabet = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    /// <summary>Makes what is not there; what is there stays.</summary>
    public static void Ensure(string pki)
    {
        var folder = Path.Combine(pki, Folder);
        PemPair.CreateDirectory(folder);
        SecretFiles.Ensure(
            Path.Combine(folder, "master.key"), Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        SecretFiles.Ensure(
            Path.Combine(folder, "admin.password"), RandomNumberGenerator.GetString(Alphabet, PasswordCharacters));
        SecretFiles.Ensure(Path.Combine(folder, "seed.json"), JsonSerializer.Serialize(new
        {
            users = new[] { new { name = "admin", tenant = "platform", passwordFile = "admin.password" } },
            clients = Array.Empty<object>(),
        }));
    }
}
