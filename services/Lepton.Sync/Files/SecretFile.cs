using System.Security.Cryptography;

namespace Lepton.Sync.Files;

/// <summary>A file with 32 random bytes in base64, made at set-up, mode 0600.</summary>
internal static class SecretFile
{
    public const int KeyBytes = 32;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead
        | UnixFileMode.OtherWrite;

    /// <param name="setting">The key of the configuration that names the file.</param>
    /// <param name="file">Where it is.</param>
    /// <exception cref="InvalidDataException">It holds something else, or others may read it.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static byte[] Read(string setting, string file)
    {
        if (!File.Exists(file))
            throw new IOException($"{setting} takes a file with 32 bytes in base64; {file} is not there.");
        if ((File.GetUnixFileMode(file) & Others) != 0)
            throw new InvalidDataException($"{setting}: others may read or write {file}; give it mode 0600.");
        return Parse(setting, file);
    }

    /// <summary>The same, whoever may read the file.</summary>
    /// <exception cref="InvalidDataException">It holds something else.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static byte[] Parse(string setting, string file)
    {
        Span<byte> key = stackalloc byte[KeyBytes + 1];
        if (!Convert.TryFromBase64String(File.ReadAllText(file).Trim(), key, out var length) || length != KeyBytes)
            throw new InvalidDataException(
                $"{setting} takes a file with 32 bytes in base64; {file} holds something else.");
        var secret = key[..KeyBytes].ToArray();
        CryptographicOperations.ZeroMemory(key);
        return secret;
    }
}
