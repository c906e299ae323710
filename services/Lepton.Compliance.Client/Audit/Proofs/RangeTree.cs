namespace Lepton.Compliance.Client.Audit.Proofs;

/// <summary>Computes a log's root from a range of its leaves and the subtrees before and after it.</summary>
internal sealed class RangeTree
{
    private readonly CompactRange _tree;
    private readonly ExportHeader _header;

    private RangeTree(CompactRange tree, ExportHeader header) => (_tree, _header) = (tree, header);

    /// <summary>The sequence that comes next.</summary>
    public long Next => _tree.Size + 1;

    /// <summary>Null: what the header says cannot be.</summary>
    public static RangeTree? Begin(ExportHeader header)
    {
        if (header.First < 1 || header.Last < header.First - 1 || header.Size < header.Last
            || header.Before.Concat(header.After).Any(h => h is not { Length: MerkleTree.HashBytes })
            || header.Before.Count != CompactRange.Between(0, header.First - 1).Count()
            || header.After.Count != CompactRange.Between(header.Last, header.Size).Count())
            return null;
        return new RangeTree(new CompactRange(header.First - 1, header.Before), header);
    }

    public void Append(byte[] leafHash) => _tree.Append(leafHash);

    /// <summary>The root with what comes after; null: it does not fit.</summary>
    public byte[]? Root()
    {
        var whole = _tree.Copy();
        foreach (var ((level, _), hash) in CompactRange.Between(_header.Last, _header.Size).Zip(_header.After))
            if (!whole.TryAppend(level, hash))
                return null;
        return whole.Root();
    }
}

/// <summary>The root that an inclusion proof leads to, whether or not it is the right one.</summary>
internal static class InclusionRoot
{
    /// <summary>Null: the proof has not as many hashes as the place takes.</summary>
    public static byte[]? Of(long index, long size, byte[] leaf, IReadOnlyList<byte[]> proof)
    {
        if (index < 0 || index >= size || proof.Any(h => h is not { Length: MerkleTree.HashBytes }))
            return null;
        var ranges = ProofRanges.OfInclusion(index, size);
        if (ranges.Count != proof.Count)
            return null;
        var hash = leaf;
        for (var i = 0; i < ranges.Count; i++)
            hash = ranges[i].From > index
                ? MerkleTree.HashNode(hash, proof[i])
                : MerkleTree.HashNode(proof[i], hash);
        return hash;
    }
}
