namespace Lepton.Compliance.Client.Audit.Proofs;

/// <summary>
/// Which parts of the tree the proofs of RFC 6962 are made of: ranges of leaves, each of whose hash is one of the
/// proof's. A range begins where complete subtrees do (<see cref="CompactRange.Between"/>), so that its hash takes few.
/// </summary>
public static class ProofRanges
{
    /// <summary>Of the proof that a leaf is in a tree, from below.</summary>
    public static IReadOnlyList<(long From, long To)> OfInclusion(long index, long size)
    {
        if (index < 0 || index >= size)
            throw new ArgumentOutOfRangeException(nameof(index), index, $"A leaf of {size} is from 0 to {size - 1}.");
        List<(long, long)> ranges = [];
        for (var (from, to) = (0L, size); to - from > 1;)
        {
            var middle = from + MerkleTree.SplitOf(to - from);
            ranges.Add(index < middle ? (middle, to) : (from, middle));
            (from, to) = index < middle ? (from, middle) : (middle, to);
        }
        ranges.Reverse();
        return ranges;
    }

    /// <summary>Of the proof that a tree begins with one of an earlier size, from below.</summary>
    public static IReadOnlyList<(long From, long To)> OfConsistency(long first, long second)
    {
        if (first < 0 || first > second)
            throw new ArgumentOutOfRangeException(nameof(first), first, $"An earlier size is from 0 to {second}.");
        List<(long, long)> ranges = [];
        if (first == 0 || first == second)
            return ranges;
        var (from, to) = (0L, second);
        while (to != first)
        {
            var middle = from + MerkleTree.SplitOf(to - from);
            ranges.Add(first <= middle ? (middle, to) : (from, middle));
            (from, to) = first <= middle ? (from, middle) : (middle, to);
        }
        if (from != 0)
            ranges.Add((from, to));
        ranges.Reverse();
        return ranges;
    }

    /// <summary>The hash of a range from its complete subtrees' roots, in their order.</summary>
    public static byte[] Fold(IReadOnlyList<byte[]> roots)
    {
        ArgumentNullException.ThrowIfNull(roots);
        var hash = roots[^1];
        for (var i = roots.Count - 2; i >= 0; i--)
            hash = MerkleTree.HashNode(roots[i], hash);
        return hash;
    }
}
