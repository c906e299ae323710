using System.Security.Cryptography;

namespace Lepton.Routing.Decisions;

/// <summary>
/// The Merkle tree hash of a list of records (RFC 6962, 2.1): SHA-256, leaves by 0x00 before the record, nodes by 0x01
/// before both halves. Of an empty list the hash of nothing.
/// </summary>
internal sealed class MerkleRoot
{
    private const int HashBytes = SHA256.HashSizeInBytes;

    // The roots of whole subtrees, the largest first: one for each bit that is set in the count.
    private readonly List<byte[]> _whole = [];

    /// <summary>Records so far.</summary>
    public long Count { get; private set; }

    /// <summary>Takes the next record.</summary>
    public void Add(ReadOnlySpan<byte> record)
    {
        byte[] leaf = new byte[1 + record.Length];
        record.CopyTo(leaf.AsSpan(1));
        byte[] hash = SHA256.HashData(leaf);
        for (long n = Count; (n & 1) == 1; n >>= 1)
        {
            hash = Node(_whole[^1], hash);
            _whole.RemoveAt(_whole.Count - 1);
        }
        _whole.Add(hash);
        Count++;
    }

    /// <summary>The root: 64 lower-case hex digits.</summary>
    public string ToHex()
    {
        if (_whole.Count == 0)
            return Convert.ToHexStringLower(SHA256.HashData([]));
        byte[] hash = _whole[^1];
        for (int i = _whole.Count - 2; i >= 0; i--)
            hash = Node(_whole[i], hash);
        return Convert.ToHexStringLower(hash);
    }

    private static byte[] Node(byte[] left, byte[] right)
    {
        Span<byte> both = stackalloc byte[1 + (2 * HashBytes)];
        both[0] = 1;
        left.CopyTo(both[1..]);
        right.CopyTo(both[(1 + HashBytes)..]);
        return SHA256.HashData(both);
    }
}
