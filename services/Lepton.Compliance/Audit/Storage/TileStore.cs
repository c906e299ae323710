using Lepton.Compliance.Client.Audit.Proofs;
using Npgsql;
using NpgsqlTypes;

namespace Lepton.Compliance.Audit.Storage;

/// <summary>
/// Hashes of the tree, 256 of a level in a row: level 0 are the leaves', level n the roots of complete subtrees of
/// 256^n leaves. Leaves' tiles are written when they are full (before, the entries' own column tells them) and are kept
/// when the entries are dropped, so that every proof of the log's whole life can be given.
/// </summary>
internal sealed class TileStore(AuditDatabase database)
{
    public const int Width = 256, WidthBits = 8;

    private const string SaveSql =
        """
        INSERT INTO audit_tiles (log, level, tile, hashes)
        SELECT $1, * FROM unnest($2::int2[], $3::int8[], $4::bytea[])
        ON CONFLICT (log, level, tile) DO UPDATE SET hashes = excluded.hashes
        """;

    /// <summary>The command that writes tiles with the entries that they are made of.</summary>
    public static NpgsqlBatchCommand Save(string log, IReadOnlyList<Tile> tiles) => new(SaveSql)
    {
        Parameters =
        {
            Sql.Of(log),
            Sql.Of([.. tiles.Select(t => (short)t.Level)]),
            Sql.Of([.. tiles.Select(t => t.Index)]),
            Sql.Of([.. tiles.Select(t => t.Hashes)]),
        },
    };

    /// <summary>A look at a tree of some size; it asks for each tile once.</summary>
    public TreeReader Reader(string log, string table) => new(database, log, table);
}

/// <summary>A row of hashes.</summary>
/// <param name="Level">0: of leaves.</param>
/// <param name="Index">From 0, of its level.</param>
/// <param name="Hashes">32 bytes each, at most 256.</param>
internal sealed record Tile(int Level, long Index, byte[] Hashes);

/// <summary>Complete subtrees' roots, and the proofs that are made of them, from what is stored.</summary>
/// <param name="database">The zone's.</param>
/// <param name="log">Whose tree.</param>
/// <param name="table">Where its entries are: <see cref="Months.Entries"/> or <see cref="Months.Copies"/>.</param>
internal sealed class TreeReader(AuditDatabase database, string log, string table)
{
    private readonly Dictionary<(int Level, long Index), byte[]> _tiles = [];

    /// <summary>The root at a size.</summary>
    public async Task<byte[]> RootAsync(long size, CancellationToken cancellationToken) =>
        size == 0 ? MerkleTree.EmptyRoot : await RangeAsync(0, size, cancellationToken);

    /// <summary>The roots of the complete subtrees at a size.</summary>
    public async Task<CompactRange> PeaksAsync(long size, CancellationToken cancellationToken) =>
        new(size, await NodesAsync(0, size, cancellationToken));

    /// <summary>The complete subtrees' roots between two sizes.</summary>
    public async Task<IReadOnlyList<byte[]>> NodesAsync(long from, long to, CancellationToken cancellationToken)
    {
        List<byte[]> nodes = [];
        foreach (var (level, index) in CompactRange.Between(from, to))
            nodes.Add(await NodeAsync(level, index, cancellationToken));
        return nodes;
    }

    public async Task<IReadOnlyList<byte[]>> InclusionAsync(long index, long size, CancellationToken token) =>
        await ProofAsync(ProofRanges.OfInclusion(index, size), token);

    public async Task<IReadOnlyList<byte[]>> ConsistencyAsync(long first, long second, CancellationToken token) =>
        await ProofAsync(ProofRanges.OfConsistency(first, second), token);

    /// <summary>The hashes of a tile that are stored, all of a full one.</summary>
    public async Task<byte[]> TileAsync(int level, long index, CancellationToken cancellationToken)
    {
        if (_tiles.TryGetValue((level, index), out var known))
            return known;
        var rows = await database.QueryAsync(
            "SELECT hashes FROM audit_tiles WHERE log = $1 AND level = $2 AND tile = $3",
            [
                Sql.Of(log),
                new NpgsqlParameter<short> { TypedValue = (short)level, NpgsqlDbType = NpgsqlDbType.Smallint },
                Sql.Of(index),
            ], r => r.GetFieldValue<byte[]>(0), cancellationToken);
        var hashes = rows.Count > 0 ? rows[0] : [];
        if (level == 0 && hashes.Length < TileStore.Width * MerkleTree.HashBytes)
            hashes = [.. hashes, .. await LeavesAsync(index, hashes.Length / MerkleTree.HashBytes, cancellationToken)];
        return _tiles[(level, index)] = hashes;
    }

    private async Task<IReadOnlyList<byte[]>> ProofAsync(
        IReadOnlyList<(long From, long To)> ranges, CancellationToken cancellationToken)
    {
        List<byte[]> proof = [];
        foreach (var (from, to) in ranges)
            proof.Add(await RangeAsync(from, to, cancellationToken));
        return proof;
    }

    private async Task<byte[]> RangeAsync(long from, long to, CancellationToken cancellationToken) =>
        ProofRanges.Fold(await NodesAsync(from, to, cancellationToken));

    private async Task<byte[]> NodeAsync(int level, long index, CancellationToken cancellationToken)
    {
        var (tileLevel, above) = (level / TileStore.WidthBits, level % TileStore.WidthBits);
        var first = index << above;
        var tile = await TileAsync(tileLevel, first >> TileStore.WidthBits, cancellationToken);
        var (at, count) = ((int)(first & (TileStore.Width - 1)), 1 << above);
        if (tile.Length < (at + count) * MerkleTree.HashBytes)
            throw new InvalidDataException(
                $"The tree of {log} lacks hashes: level {tileLevel}, tile {first >> TileStore.WidthBits}.");
        CompactRange subtree = new();
        for (var i = at; i < at + count; i++)
            subtree.Append(tile[(i * MerkleTree.HashBytes)..((i + 1) * MerkleTree.HashBytes)]);
        return subtree.Root();
    }

    // Those of a tile that is not full: the entries tell them, but for those that were dropped.
    private async Task<byte[]> LeavesAsync(long tile, int stored, CancellationToken cancellationToken)
    {
        var first = (tile << TileStore.WidthBits) + 1 + stored;
        List<NpgsqlParameter> parameters = [Sql.Of(first), Sql.Of((tile + 1) << TileStore.WidthBits)];
        var where = "sequence BETWEEN $1 AND $2";
        if (table == Months.Copies)
        {
            where += " AND log = $3";
            parameters.Add(Sql.Of(log));
        }
        var rows = await database.QueryAsync(
            $"SELECT sequence, leaf_hash FROM {table} WHERE {where} ORDER BY sequence", parameters,
            r => (Sequence: r.GetInt64(0), Hash: r.GetFieldValue<byte[]>(1)), cancellationToken);
        // What follows a gap is none of this tree's leaves in their places.
        return [.. rows.TakeWhile((row, i) => row.Sequence == first + i && row.Hash.Length == MerkleTree.HashBytes)
            .SelectMany(row => row.Hash)];
    }
}
