using System.Numerics;
using System.Security.Cryptography;

namespace Lepton.Compliance.Client.Audit.Proofs;

/// <summary>
/// The Merkle tree of RFC 6962, 2.1, by its numbers alone: hashes and the two kinds of proofs. Hashes are 32 bytes of
/// SHA-256; proofs list them from the leaves upwards.
/// </summary>
public static class MerkleTree
{
    /// <summary>Bytes of a hash.</summary>
    public const int HashBytes = 32;

    /// <summary>SHA-256(0x00 || entry): domain-separated from inner nodes, so that no node passes for a leaf.</summary>
    public static byte[] HashLeaf(ReadOnlySpan<byte> entry)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha.AppendData([0]);
        sha.AppendData(entry);
        return sha.GetHashAndReset();
    }

    /// <summary>SHA-256(0x01 || left || right).</summary>
    public static byte[] HashNode(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        Span<byte> bytes = stackalloc byte[1 + (2 * HashBytes)];
        bytes[0] = 1;
        left.CopyTo(bytes[1..]);
        right.CopyTo(bytes[(1 + HashBytes)..]);
        return SHA256.HashData(bytes);
    }

    /// <summary>The root of no entries: SHA-256 of nothing.</summary>
    public static byte[] EmptyRoot { get; } = SHA256.HashData([]);

    /// <summary>Whether a leaf is the one at an index (from 0) of a tree of this size and root (RFC 9162,
    /// 2.1.3.2).</summary>
    public static bool VerifyInclusion(
        long index, long size, ReadOnlySpan<byte> leafHash, IReadOnlyList<byte[]> proof, ReadOnlySpan<byte> root)
    {
        ArgumentNullException.ThrowIfNull(proof);
        if (index < 0 || index >= size || proof.Any(h => h.Length != HashBytes) || leafHash.Length != HashBytes)
            return false;
        var (at, last) = (index, size - 1);
        var hash = leafHash.ToArray();
        foreach (var sibling in proof)
        {
            if (last == 0)
                return false;
            if ((at & 1) == 1 || at == last)
            {
                hash = HashNode(sibling, hash);
                while ((at & 1) == 0 && at != 0)
                    (at, last) = (at >> 1, last >> 1);
            }
            else
            {
                hash = HashNode(hash, sibling);
            }
            (at, last) = (at >> 1, last >> 1);
        }
        return last == 0 && root.SequenceEqual(hash);
    }

    /// <summary>
    /// Whether the tree of the later size begins with that of the earlier (RFC 9162, 2.1.4.2). A tree of no entries
    /// begins every other; the proof is empty then, and where the sizes are equal.
    /// </summary>
    public static bool VerifyConsistency(
        long first, ReadOnlySpan<byte> firstRoot, long second, ReadOnlySpan<byte> secondRoot,
        IReadOnlyList<byte[]> proof)
    {
        ArgumentNullException.ThrowIfNull(proof);
        if (first < 0 || first > second || proof.Any(h => h.Length != HashBytes))
            return false;
        if (first == second)
            return proof.Count == 0 && firstRoot.SequenceEqual(secondRoot);
        if (first == 0)
            return proof.Count == 0 && firstRoot.SequenceEqual(EmptyRoot);
        List<byte[]> path = BitOperations.IsPow2(first) ? [firstRoot.ToArray(), .. proof] : [.. proof];
        if (path.Count == 0)
            return false;
        var (at, last) = (first - 1, second - 1);
        while ((at & 1) == 1)
            (at, last) = (at >> 1, last >> 1);
        var (older, newer) = (path[0], path[0]);
        foreach (var hash in path.Skip(1))
        {
            if (last == 0)
                return false;
            if ((at & 1) == 1 || at == last)
            {
                (older, newer) = (HashNode(hash, older), HashNode(hash, newer));
                while ((at & 1) == 0 && at != 0)
                    (at, last) = (at >> 1, last >> 1);
            }
            else
            {
                newer = HashNode(newer, hash);
            }
            (at, last) = (at >> 1, last >> 1);
        }
        return last == 0 && firstRoot.SequenceEqual(older) && secondRoot.SequenceEqual(newer);
    }

    /// <summary>The greatest power of two below a size (above 1): where its tree is split.</summary>
    internal static long SplitOf(long size) => 1L << BitOperations.Log2((ulong)(size - 1));
}
