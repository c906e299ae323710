using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Lepton.Identity.Tokens;

/// <summary>
/// Codes and tokens that mean something to this authority alone: 32 random bytes, kept as their SHA-256. They are too
/// long to guess, so that a slow hash would add nothing.
/// </summary>
internal static class Secrets
{
    private const int Bytes = 32;
    private const int TextLength = 43;

    public static string Create() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>An id that nobody has had: 16 random bytes.</summary>
    public static string CreateId() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));

    public static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));

    public static bool LooksRight(string secret) => secret.Length == TextLength && Base64Url.IsValid(secret);
}
