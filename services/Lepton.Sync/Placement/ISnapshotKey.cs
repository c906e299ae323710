using System.Security.Cryptography;
using Lepton.Sync.Files;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Placement;

/// <summary>What the node authenticates its own files with.</summary>
internal interface ISnapshotKey
{
    /// <summary>HMAC-SHA256: 32 bytes, the same for the same bytes at every start of this node.</summary>
    byte[] Authenticate(ReadOnlySpan<byte> bytes);
}

/// <summary>By a key that HKDF-SHA256 (RFC 5869) makes of the one in <c>Sync:KeyFile</c>.</summary>
internal sealed class FileSnapshotKey : ISnapshotKey
{
    private readonly byte[] _key;

    /// <exception cref="InvalidDataException">The file does not hold a key.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public FileSnapshotKey(IOptions<PlacementOptions> options)
    {
        var secret = SecretFile.Parse("Sync:KeyFile", options.Value.KeyFile);
        _key = new byte[SecretFile.KeyBytes];
        HKDF.DeriveKey(
            HashAlgorithmName.SHA256, secret, _key, [], "lepton/sync/topology-file/v1"u8);
        CryptographicOperations.ZeroMemory(secret);
    }

    public byte[] Authenticate(ReadOnlySpan<byte> bytes) => HMACSHA256.HashData(_key, bytes);
}
