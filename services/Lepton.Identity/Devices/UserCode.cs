using System.Security.Cryptography;
using System.Text;

namespace Lepton.Identity.Devices;

/// <summary>
/// What a person types: eight consonants, shown as <c>WDJB-MJHT</c> (RFC 8628, 6.1). 20 to the 8th are 34 bits; at 30
/// tries a minute for 10 minutes, a guess at one of 1,000 waiting codes succeeds once in 85,000 such floods.
/// </summary>
internal static class UserCode
{
    private const string Letters = "BCDFGHJKLMNPQRSTVWXZ";
    private const int Length = 8;

    public static string Create() => RandomNumberGenerator.GetString(Letters, Length);

    public static string Show(string code) => $"{code[..4]}-{code[4..]}";

    /// <summary>Without case, hyphens and spaces; null: no code at all.</summary>
    public static string? Normalize(string typed)
    {
        if (typed.Length > 64)
            return null;
        var code = new string([.. typed.Where(c => !char.IsWhiteSpace(c) && c is not ('-' or '‐' or '–' or '_'))
            .Select(char.ToUpperInvariant)]);
        return code.Length == Length && code.All(Letters.Contains) ? code : null;
    }

    public static byte[] Hash(string code) => SHA256.HashData(Encoding.UTF8.GetBytes(code));
}
