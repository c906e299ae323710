using System.Numerics;

namespace Lepton.Compliance.Client.Audit.Proofs;

/// <summary>
/// A tree that only grows, by the roots of its complete subtrees: at most one a power of two, so 64 hashes at most.
/// From it come the root, and the roots of every later size, without any leaf.
/// </summary>
public sealed class CompactRange
{
    private readonly List<byte[]> _peaks;

    /// <summary>A tree of no entries.</summary>
    public CompactRange() => _peaks = [];

    /// <param name="size">How many leaves.</param>
    /// <param name="peaks">Roots of the complete subtrees, the largest (left) first: one for each 1 bit of the
    /// size.</param>
    /// <exception cref="ArgumentException">They are not as many as that.</exception>
    public CompactRange(long size, IEnumerable<byte[]> peaks)
    {
        (Size, _peaks) = (size, [.. peaks]);
        if (size < 0 || _peaks.Count != BitOperations.PopCount((ulong)size)
            || _peaks.Any(p => p.Length != MerkleTree.HashBytes))
            throw new ArgumentException(
                $"A tree of {size} leaves takes {BitOperations.PopCount((ulong)size)} hashes of 32 bytes.",
                nameof(peaks));
    }

    /// <summary>How many leaves.</summary>
    public long Size { get; private set; }

    /// <summary>The roots of the complete subtrees, the largest first.</summary>
    public IReadOnlyList<byte[]> Peaks => _peaks;

    /// <summary>The same, to go on from by itself.</summary>
    public CompactRange Copy() => new(Size, _peaks);

    /// <summary>Adds a leaf.</summary>
    /// <param name="leafHash">Its hash.</param>
    /// <param name="onNode">Told of every complete subtree above leaves: its level (1: of two leaves), its index, its
    /// root.</param>
    public void Append(byte[] leafHash, Action<int, long, byte[]>? onNode = null)
    {
        var hash = leafHash;
        var level = 0;
        for (var at = Size; (at & 1) == 1; at >>= 1)
        {
            hash = MerkleTree.HashNode(_peaks[^1], hash);
            _peaks.RemoveAt(_peaks.Count - 1);
            onNode?.Invoke(++level, at >> 1, hash);
        }
        _peaks.Add(hash);
        Size++;
    }

    /// <summary>Adds a complete subtree of 2^level leaves; the size must be a multiple of that.</summary>
    /// <returns>False: it does not fit there.</returns>
    public bool TryAppend(int level, byte[] root)
    {
        if (level is < 0 or > 62 || (Size & ((1L << level) - 1)) != 0)
            return false;
        var hash = root;
        for (var at = Size >> level; (at & 1) == 1; at >>= 1)
        {
            hash = MerkleTree.HashNode(_peaks[^1], hash);
            _peaks.RemoveAt(_peaks.Count - 1);
        }
        _peaks.Add(hash);
        Size += 1L << level;
        return true;
    }

    /// <summary>The tree's hash.</summary>
    public byte[] Root()
    {
        if (_peaks.Count == 0)
            return MerkleTree.EmptyRoot;
        var root = _peaks[^1];
        for (var i = _peaks.Count - 2; i >= 0; i--)
            root = MerkleTree.HashNode(_peaks[i], root);
        return root;
    }

    /// <summary>The complete subtrees, largest possible, that lie between two sizes: level and index of each.</summary>
    public static IEnumerable<(int Level, long Index)> Between(long from, long to)
    {
        while (from < to)
        {
            var fits = BitOperations.Log2((ulong)(to - from));
            var level = from == 0 ? fits : Math.Min(fits, BitOperations.TrailingZeroCount(from));
            yield return (level, from >> level);
            from += 1L << level;
        }
    }
}
