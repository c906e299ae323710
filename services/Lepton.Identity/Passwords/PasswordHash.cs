using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Konscious.Security.Cryptography;

namespace Lepton.Identity.Passwords;

/// <summary>
/// An Argon2id hash (RFC 9106) and its PHC string: <c>$argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH</c>.
/// </summary>
internal sealed partial record PasswordHash(int MemoryKiB, int Iterations, int Lanes, byte[] Salt, byte[] Hash)
{
    /// <summary>What a PHC string takes, for messages.</summary>
    public const string Takes = "an Argon2id PHC string of version 19, 8 KiB a lane to 1 GiB, 1 to 16 passes, 1 to 16 "
        + "lanes, 8 to 64 bytes of salt and 16 to 64 of hash";

    /// <summary>Longest password in bytes of UTF-8.</summary>
    public const int PasswordBytesMax = 1024;

    private const int SaltBytes = 16;
    private const int HashBytes = 32;

    /// <summary>Hashes with a new salt.</summary>
    public static PasswordHash Create(string password, PasswordOptions options)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        var hash = Compute(password, options.MemoryKiB, options.Iterations, options.Lanes, salt, HashBytes);
        return new PasswordHash(options.MemoryKiB, options.Iterations, options.Lanes, salt, hash);
    }

    /// <summary>A hash that no password has, as dear to try as a real one.</summary>
    public static PasswordHash Nobodys(PasswordOptions options) => new(options.MemoryKiB, options.Iterations,
        options.Lanes, RandomNumberGenerator.GetBytes(SaltBytes), RandomNumberGenerator.GetBytes(HashBytes));

    public static bool TryParse(string phc, [NotNullWhen(true)] out PasswordHash? hash)
    {
        hash = null;
        if (phc.Length > 512 || Phc().Match(phc) is not { Success: true } match)
            return false;
        var (memory, iterations, lanes) = (Number(match, 1), Number(match, 2), Number(match, 3));
        if (iterations is < 1 or > 16 || lanes is < 1 or > 16 || memory < 8 * lanes || memory > 1 << 20
            || !TryDecode(match.Groups[4].Value, out var salt) || salt.Length is < 8 or > 64
            || !TryDecode(match.Groups[5].Value, out var bytes) || bytes.Length is < 16 or > 64)
            return false;
        hash = new PasswordHash(memory, iterations, lanes, salt, bytes);
        return true;
    }

    /// <summary>Is it this password's? Takes the time and memory of one hash, whatever the answer.</summary>
    public bool Matches(string password) => CryptographicOperations.FixedTimeEquals(
        Compute(password, MemoryKiB, Iterations, Lanes, Salt, Hash.Length), Hash);

    /// <summary>Was it made with less than is asked for now?</summary>
    public bool IsWeakerThan(PasswordOptions options) =>
        MemoryKiB < options.MemoryKiB || Iterations < options.Iterations || Hash.Length < HashBytes;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"$argon2id$v=19$m={MemoryKiB},t={Iterations},p={Lanes}${Encode(Salt)}${Encode(Hash)}");

    private static byte[] Compute(string password, int memory, int iterations, int lanes, byte[] salt, int bytes)
    {
        using var argon = new Argon2id(Encoding.UTF8.GetBytes(password))
        {
            Salt = salt, MemorySize = memory, Iterations = iterations, DegreeOfParallelism = lanes,
        };
        return argon.GetBytes(bytes);
    }

    private static int Number(Match match, int group) =>
        int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    // PHC strings have no padding.
    private static string Encode(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    private static bool TryDecode(string text, out byte[] bytes)
    {
        var padded = text + new string('=', (4 - text.Length % 4) % 4);
        bytes = new byte[padded.Length];
        if (!Convert.TryFromBase64String(padded, bytes, out var written))
            return false;
        bytes = bytes[..written];
        return true;
    }

    [GeneratedRegex(@"^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)\z",
        RegexOptions.CultureInvariant)]
    private static partial Regex Phc();
}
