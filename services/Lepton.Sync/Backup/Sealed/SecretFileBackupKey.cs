using System.Security.Cryptography;
using System.Text;
using Lepton.Sync.Files;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Backup.Sealed;

/// <summary>
/// AES-256-GCM under a key from the region's secret file (32 bytes in base64): nonce, ciphertext, tag. The file is read
/// at each use, which is rare: its bytes stay in memory no longer than that.
/// </summary>
internal sealed class SecretFileBackupKey(string file) : IBackupKey
{
    private const int NonceBytes = 12, TagBytes = 16;

    public SecretFileBackupKey(IOptions<BackupOptions> options)
        : this(options.Value.SecretFile)
    {
    }

    public ValueTask<byte[]> WrapAsync(
        ReadOnlyMemory<byte> key, string context, CancellationToken cancellationToken)
    {
        using var aes = Read();
        var wrapped = new byte[NonceBytes + key.Length + TagBytes];
        RandomNumberGenerator.Fill(wrapped.AsSpan(0, NonceBytes));
        aes.Encrypt(
            wrapped.AsSpan(0, NonceBytes), key.Span, wrapped.AsSpan(NonceBytes, key.Length),
            wrapped.AsSpan(^TagBytes..), Encoding.UTF8.GetBytes(context));
        return ValueTask.FromResult(wrapped);
    }

    public ValueTask<byte[]> UnwrapAsync(
        ReadOnlyMemory<byte> wrapped, string context, CancellationToken cancellationToken)
    {
        if (wrapped.Length <= NonceBytes + TagBytes)
            throw Refused(context, null);
        using var aes = Read();
        var key = new byte[wrapped.Length - NonceBytes - TagBytes];
        try
        {
            aes.Decrypt(
                wrapped.Span[..NonceBytes], wrapped.Span[NonceBytes..^TagBytes], wrapped.Span[^TagBytes..], key,
                Encoding.UTF8.GetBytes(context));
            return ValueTask.FromResult(key);
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw Refused(context, e);
        }
    }

    private static BackupException Refused(string context, Exception? inner) => new(
        BackupFault.WrongRegion,
        $"{context} was sealed with another secret than Sync:Backup:SecretFile holds, or was changed.", inner);

    private AesGcm Read()
    {
        try
        {
            var secret = SecretFile.Parse("Sync:Backup:SecretFile", file);
            var key = HKDF.DeriveKey(
                HashAlgorithmName.SHA256, secret, SecretFile.KeyBytes, [], "lepton sync backup wrap"u8.ToArray());
            CryptographicOperations.ZeroMemory(secret);
            AesGcm aes = new(key, TagBytes);
            CryptographicOperations.ZeroMemory(key);
            return aes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BackupException(
                BackupFault.Invalid, $"Sync:Backup:SecretFile takes a file with 32 bytes in base64: {e.Message}", e);
        }
        catch (InvalidDataException e)
        {
            throw new BackupException(BackupFault.Invalid, e.Message, e);
        }
    }
}
