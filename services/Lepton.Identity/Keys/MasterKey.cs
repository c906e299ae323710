using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace Lepton.Identity.Keys;

/// <summary>
/// Seals signing keys at rest: AES-256-GCM with the key's id as associated data, so that a sealed key works under its
/// own name only. Form: 12 bytes of nonce, ciphertext, 16 bytes of tag.
/// </summary>
internal sealed partial class MasterKey : IDisposable
{
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const string Context = "lepton/identity/signing-key/v1/";

    private readonly AesGcm _cipher;

    /// <exception cref="InvalidDataException">The file does not hold a key.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public MasterKey(IOptions<IdentityOptions> options, ILogger<MasterKey> logger)
    {
        var file = options.Value.MasterKeyFile;
        var key = new byte[KeyBytes + 1];
        if (!Convert.TryFromBase64String(File.ReadAllText(file).Trim(), key, out var length) || length != KeyBytes)
            throw new InvalidDataException($"Identity:MasterKeyFile takes a file with 32 bytes in base64; {file} "
                + "holds something else.");
        if ((File.GetUnixFileMode(file) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0)
            LogOpenFile(logger, file);
        _cipher = new AesGcm(key.AsSpan(0, KeyBytes), TagBytes);
        CryptographicOperations.ZeroMemory(key);
    }

    public byte[] Seal(string keyId, ReadOnlySpan<byte> secret)
    {
        var sealedKey = new byte[NonceBytes + secret.Length + TagBytes];
        RandomNumberGenerator.Fill(sealedKey.AsSpan(0, NonceBytes));
        _cipher.Encrypt(sealedKey.AsSpan(0, NonceBytes), secret, sealedKey.AsSpan(NonceBytes, secret.Length),
            sealedKey.AsSpan(NonceBytes + secret.Length), Encoding.UTF8.GetBytes(Context + keyId));
        return sealedKey;
    }

    /// <exception cref="CryptographicException">Sealed by another key or under another name, or damaged.</exception>
    public byte[] Open(string keyId, ReadOnlySpan<byte> sealedKey)
    {
        if (sealedKey.Length < NonceBytes + TagBytes)
            throw new CryptographicException($"Signing key {keyId} is damaged in the database.");
        var secret = new byte[sealedKey.Length - NonceBytes - TagBytes];
        try
        {
            _cipher.Decrypt(sealedKey[..NonceBytes], sealedKey[NonceBytes..^TagBytes], sealedKey[^TagBytes..], secret,
                Encoding.UTF8.GetBytes(Context + keyId));
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw new CryptographicException($"Signing key {keyId} was sealed with another master key than "
                + "Identity:MasterKeyFile holds, or is damaged.", e);
        }
        return secret;
    }

    public void Dispose() => _cipher.Dispose();

    [LoggerMessage(LogLevel.Warning, "Everyone can read or write the master key {File}: give it mode 0600")]
    private static partial void LogOpenFile(ILogger logger, string file);
}
