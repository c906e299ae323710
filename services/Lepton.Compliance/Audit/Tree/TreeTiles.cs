using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Client.Audit.Proofs;

namespace Lepton.Compliance.Audit.Tree;

/// <summary>
/// A tree that grows in memory: its peaks, and of each level the tile that is not full. Not safe for concurrent use:
/// one writes a log.
/// </summary>
internal sealed class TreeTiles
{
    private readonly CompactRange _range;
    private readonly List<List<byte[]>> _partial = [[]];
    private readonly List<long> _tile = [0];
    private readonly HashSet<int> _changed = [];
    private readonly List<Tile> _full = [];

    private TreeTiles(CompactRange range) => _range = range;

    public long Size => _range.Size;

    /// <summary>The tree as it is now, for others.</summary>
    public CompactRange Peaks => _range.Copy();

    public static TreeTiles Empty() => new(new CompactRange());

    /// <summary>The tree at a size, from what is stored.</summary>
    /// <exception cref="InvalidDataException">Tiles are missing.</exception>
    public static async Task<TreeTiles> LoadAsync(TreeReader reader, long size, CancellationToken cancellationToken)
    {
        TreeTiles tree = new(await reader.PeaksAsync(size, cancellationToken));
        for (var level = 0; level == 0 || size >> (level * TileStore.WidthBits) > 0; level++)
        {
            var hashes = size >> (level * TileStore.WidthBits);
            if (level > 0)
            {
                tree._partial.Add([]);
                tree._tile.Add(0);
            }
            tree._tile[level] = hashes >> TileStore.WidthBits;
            var count = (int)(hashes & (TileStore.Width - 1));
            if (count == 0)
                continue;
            var tile = await reader.TileAsync(level, tree._tile[level], cancellationToken);
            if (tile.Length < count * MerkleTree.HashBytes)
                throw new InvalidDataException($"The tree lacks hashes: level {level}, tile {tree._tile[level]}.");
            for (var i = 0; i < count; i++)
                tree._partial[level].Add(tile[(i * MerkleTree.HashBytes)..((i + 1) * MerkleTree.HashBytes)]);
        }
        return tree;
    }

    /// <summary>Adds a leaf.</summary>
    public void Append(byte[] leafHash)
    {
        Add(0, leafHash);
        _range.Append(leafHash, (level, _, root) =>
        {
            if (level % TileStore.WidthBits == 0)
                Add(level / TileStore.WidthBits, root);
        });
    }

    /// <summary>The tiles that changed since the last call, to be stored with the entries.</summary>
    public IReadOnlyList<Tile> Drain()
    {
        List<Tile> tiles = [.. _full];
        tiles.AddRange(_changed.Where(level => level > 0 && _partial[level].Count > 0)
            .Select(level => new Tile(level, _tile[level], Join(_partial[level]))));
        _full.Clear();
        _changed.Clear();
        return tiles;
    }

    /// <summary>
    /// The leaves' tile that is not full: stored only where the entries themselves are gone (they tell it elsewhere).
    /// </summary>
    public IReadOnlyList<Tile> Leaves() =>
        _partial[0].Count == 0 ? [] : [new Tile(0, _tile[0], Join(_partial[0]))];

    private void Add(int level, byte[] hash)
    {
        if (level == _partial.Count)
        {
            _partial.Add([]);
            _tile.Add(0);
        }
        _partial[level].Add(hash);
        _changed.Add(level);
        if (_partial[level].Count < TileStore.Width)
            return;
        _full.Add(new Tile(level, _tile[level], Join(_partial[level])));
        _partial[level].Clear();
        _tile[level]++;
    }

    private static byte[] Join(List<byte[]> hashes)
    {
        var all = new byte[hashes.Count * MerkleTree.HashBytes];
        for (var i = 0; i < hashes.Count; i++)
            hashes[i].CopyTo(all, i * MerkleTree.HashBytes);
        return all;
    }
}
