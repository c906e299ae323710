using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Lepton.Sync.Backup.Wire;

/// <summary>
/// A client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding. PostgreSQL takes the user's name from
/// the start-up message, so the one in here is empty.
/// </summary>
/// <param name="password">ASCII: what SASLprep (RFC 4013) leaves as it is.</param>
/// <param name="nonce">18 random bytes or more, in base64.</param>
internal sealed class ScramLogin(string password, string nonce)
{
    public const string Mechanism = "SCRAM-SHA-256";

    // What a server may make a client compute: PostgreSQL's default is 4,096.
    private const int IterationsMin = 4096, IterationsMax = 1_000_000;

    private byte[] _serverSignature = [];

    private string FirstBare => $"n=,r={nonce}";

    public string First => "n,," + FirstBare;

    /// <summary>The answer to the server's first message.</summary>
    /// <exception cref="BackupException">It is none.</exception>
    public string Final(string serverFirst)
    {
        var fields = Fields(serverFirst);
        if (!fields.TryGetValue('r', out var both) || !both.StartsWith(nonce, StringComparison.Ordinal)
            || both.Length == nonce.Length || !fields.TryGetValue('s', out var salt)
            || !fields.TryGetValue('i', out var count)
            || !int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var iterations)
            || iterations is < IterationsMin or > IterationsMax)
            throw Refused();
        var salted = Rfc2898DeriveBytes.Pbkdf2(
            Encoding.ASCII.GetBytes(password), Base64(salt), iterations, HashAlgorithmName.SHA256, 32);
        var clientKey = HMACSHA256.HashData(salted, "Client Key"u8);
        var withoutProof = $"c=biws,r={both}";
        var signed = Encoding.UTF8.GetBytes($"{FirstBare},{serverFirst},{withoutProof}");
        var proof = HMACSHA256.HashData(SHA256.HashData(clientKey), signed);
        for (var i = 0; i < proof.Length; i++)
            proof[i] ^= clientKey[i];
        _serverSignature = HMACSHA256.HashData(HMACSHA256.HashData(salted, "Server Key"u8), signed);
        return $"{withoutProof},p={Convert.ToBase64String(proof)}";
    }

    /// <summary>The server knows the password too.</summary>
    /// <exception cref="BackupException">It does not.</exception>
    public void Check(string serverFinal)
    {
        if (_serverSignature.Length == 0 || !Fields(serverFinal).TryGetValue('v', out var signature)
            || !CryptographicOperations.FixedTimeEquals(Base64(signature), _serverSignature))
            throw Refused();
    }

    private static Dictionary<char, string> Fields(string message)
    {
        Dictionary<char, string> fields = [];
        foreach (var part in message.Split(','))
            if (part.Length < 2 || part[1] != '=' || !fields.TryAdd(part[0], part[2..]))
                throw Refused();
        return fields;
    }

    private static byte[] Base64(string text)
    {
        try
        {
            return Convert.FromBase64String(text);
        }
        catch (FormatException)
        {
            throw Refused();
        }
    }

    private static BackupException Refused() => new(
        BackupFault.ServerRefused,
        "The database server's SCRAM-SHA-256 messages are not those of who knows the password.");
}
