using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Lepton.Sync.Backup.Store;

namespace Lepton.Sync.Backup.Sealed;

/// <summary>What says whose a document is, before anything in it is believed.</summary>
internal interface IRegional
{
    string Region { get; }

    /// <summary>The data key of what the document describes, wrapped by the region's.</summary>
    byte[] WrappedKey { get; }
}

/// <summary>
/// A small JSON document: one line, then a line with its HMAC-SHA256 under a key from the data key that it carries
/// wrapped. Who cannot unwrap that cannot write one.
/// </summary>
internal static class SignedDocument
{
    private const int BytesMax = 1 << 20;
    private const string Prefix = "hmac-sha256 ";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true,
    };

    public static Task WriteAsync<T>(
        IBackupStore store, string name, T document, ReadOnlyMemory<byte> key, CancellationToken cancellationToken)
        where T : IRegional
    {
        var line = JsonSerializer.SerializeToUtf8Bytes(document, Json);
        byte[] bytes =
            [.. line, (byte)'\n', .. Encoding.ASCII.GetBytes(Prefix + Hmac(key.Span, name, line)), (byte)'\n'];
        return store.PutAsync(name, async (stream, token) => await stream.WriteAsync(bytes, token), cancellationToken);
    }

    /// <summary>The document and the data key.</summary>
    /// <exception cref="BackupException">NotFound, WrongRegion, Damaged.</exception>
    public static async Task<(T Document, byte[] Key)> ReadAsync<T>(
        IBackupStore store, string name, string region, IBackupKey regionKey, CancellationToken cancellationToken)
        where T : class, IRegional
    {
        var bytes = await ReadAllAsync(store, name, cancellationToken);
        var end = bytes.AsSpan().IndexOf((byte)'\n');
        var document = end < 0 ? null : Parse<T>(bytes.AsSpan(0, end));
        if (document is null)
            throw Damaged(name);
        if (document.Region != region)
            throw new BackupException(
                BackupFault.WrongRegion,
                $"{name} is of region {document.Region}; this is {region}, which never opens it.");
        var key = await regionKey.UnwrapAsync(document.WrappedKey, ContextOf(region, name), cancellationToken);
        var wanted = Encoding.ASCII.GetBytes(Prefix + Hmac(key, name, bytes.AsSpan(0, end)) + "\n");
        return CryptographicOperations.FixedTimeEquals(bytes.AsSpan(end + 1), wanted)
            ? (document, key)
            : throw Damaged(name);
    }

    /// <summary>What a data key is wrapped for.</summary>
    public static string ContextOf(string region, string name) => $"{region}:{name}";

    private static async Task<byte[]> ReadAllAsync(
        IBackupStore store, string name, CancellationToken cancellationToken)
    {
        await using var stream = await store.OpenAsync(name, cancellationToken);
        var buffer = ArrayPool<byte>.Shared.Rent(BytesMax);
        try
        {
            var read = await stream.ReadAtLeastAsync(buffer, BytesMax, throwOnEndOfStream: false, cancellationToken);
            return read < BytesMax ? buffer[..read] : throw Damaged(name);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static T? Parse<T>(ReadOnlySpan<byte> json)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, Json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Hmac(ReadOnlySpan<byte> key, string name, ReadOnlySpan<byte> line)
    {
        Span<byte> own = stackalloc byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, own, Encoding.UTF8.GetBytes(name), "lepton sync backup mac"u8);
        return Convert.ToHexStringLower(HMACSHA256.HashData(own, line));
    }

    private static BackupException Damaged(string name) =>
        new(BackupFault.Damaged, $"{name}: its bytes are not those that were signed.");
}
