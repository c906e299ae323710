using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Audit.Checks;

/// <summary>
/// Holds what is stored against what it must be: bytes against their hash, columns against bytes, hashes against the
/// tree, the tree against what was signed and what this process knows.
/// </summary>
internal sealed class LogCheck(
    EntryReads entries, TileStore tiles, HeadStore heads, LogWriter writer, LogName log, LastHead lastHead,
    Alarms alarms, AuditMetrics metrics)
{
    private const int ChunkEntries = 1024;

    /// <summary>
    /// Whether the log, just read, is the one whose heads were signed: it may be gone on with. Its newest entries are
    /// verified one by one.
    /// </summary>
    public async Task<bool> OpeningAsync(int tailEntries, CancellationToken cancellationToken)
    {
        var size = writer.Peaks.Size;
        var reader = tiles.Reader(log.Value, Months.Entries);
        foreach (var head in (TreeHead?[])[await heads.LatestAsync(log.Value, cancellationToken), lastHead.Read()])
        {
            if (head is null || head.Log != log.Value)
                continue;
            if ((long)head.Size > size)
            {
                alarms.Raise(log.Value, "truncated", $"it had {head.Size} entries when it was signed, and has {size}");
                return false;
            }
            if (!await HasRootAsync(reader, head, cancellationToken))
                return false;
        }
        return await SliceAsync(Math.Max(await entries.FirstKeptAsync(log.Value, cancellationToken),
            size - tailEntries + 1), size, cancellationToken);
    }

    /// <summary>Verifies entries from one sequence to another, and the tree above them. False: something is
    /// wrong.</summary>
    public async Task<bool> SliceAsync(long first, long last, CancellationToken cancellationToken)
    {
        var isGood = true;
        for (var from = first; from <= last; from += ChunkEntries)
        {
            var to = Math.Min(last, from + ChunkEntries - 1);
            isGood &= Judge(from, to, await entries.RangeAsync(from, to, cancellationToken));
        }
        if (first <= last)
            isGood &= await TreeAsync(first, last, cancellationToken);
        metrics.Checked.Add(Math.Max(0, last - first + 1));
        return isGood;
    }

    /// <summary>Whether the stored tree is the one that this process wrote.</summary>
    public async Task<bool> RootAsync(CancellationToken cancellationToken)
    {
        var known = writer.Peaks;
        try
        {
            var root = await tiles.Reader(log.Value, Months.Entries).RootAsync(known.Size, cancellationToken);
            if (root.AsSpan().SequenceEqual(known.Root()))
                return true;
            alarms.Raise(log.Value, "tree", $"its root at {known.Size} is not what was written");
        }
        catch (InvalidDataException e)
        {
            alarms.Raise(log.Value, "tree", e.Message);
        }
        return false;
    }

    private async Task<bool> HasRootAsync(TreeReader reader, TreeHead head, CancellationToken cancellationToken)
    {
        try
        {
            var root = await reader.RootAsync((long)head.Size, cancellationToken);
            if (head.Root.Span.SequenceEqual(root))
                return true;
            alarms.Raise(log.Value, "history", $"its root at {head.Size} is not what was signed");
        }
        catch (InvalidDataException e)
        {
            alarms.Raise(log.Value, "tree", e.Message);
        }
        return false;
    }

    private bool Judge(long first, long last, List<StoredEntry> rows)
    {
        var expected = first;
        var isGood = true;
        foreach (var row in rows)
        {
            var sequence = row.Columns.Sequence;
            if (sequence != expected)
                Bad("gap", sequence > expected ? $"entries {expected} to {sequence - 1} are missing"
                    : $"entry {sequence} is there twice");
            expected = sequence + 1;
            if (!MerkleTree.HashLeaf(row.Bytes).AsSpan().SequenceEqual(row.LeafHash))
                Bad("entry", $"entry {sequence}: its bytes are not those that were hashed");
            else if (Fault(row) is { } fault)
                Bad("columns", $"entry {sequence}: {fault}");
        }
        if (expected != last + 1)
            Bad("gap", $"entries {expected} to {last} are missing");
        return isGood;

        void Bad(string kind, string detail)
        {
            isGood = false;
            alarms.Raise(log.Value, kind, detail);
        }
    }

    private string? Fault(StoredEntry row)
    {
        try
        {
            var entry = AuditEntry.Parser.ParseFrom(row.Bytes);
            if (entry.Log != log.Value)
                return $"its bytes are of log {entry.Log}";
            var columns = EntryColumns.Of(entry);
            return columns.IsSame(row.Columns) ? null
                : "columns are not what its bytes say: " + string.Join(", ", columns.Differences(row.Columns));
        }
        catch (Exception e) when (e is InvalidDataException or Google.Protobuf.InvalidProtocolBufferException)
        {
            return e.Message;
        }
    }

    // Each tile's root is in the tile above it; the topmost are part of the root that this process knows.
    private async Task<bool> TreeAsync(long first, long last, CancellationToken cancellationToken)
    {
        var reader = tiles.Reader(log.Value, Months.Entries);
        var isGood = await LeavesAsync(reader, first, last, cancellationToken);
        var size = writer.Peaks.Size;
        for (var level = 0; size >> ((level + 1) * TileStore.WidthBits) > 0; level++)
        {
            var bits = (level + 1) * TileStore.WidthBits;
            var complete = size >> bits;
            for (var tile = (first - 1) >> bits; tile <= (last - 1) >> bits && tile < complete; tile++)
            {
                var above = await reader.TileAsync(level + 1, tile >> TileStore.WidthBits, cancellationToken);
                var at = (int)(tile & (TileStore.Width - 1)) * MerkleTree.HashBytes;
                var root = RootOf(await reader.TileAsync(level, tile, cancellationToken));
                if (above.Length >= at + MerkleTree.HashBytes
                    && above.AsSpan(at, MerkleTree.HashBytes).SequenceEqual(root))
                    continue;
                isGood = false;
                alarms.Raise(log.Value, "tree", $"tile {tile} of level {level} is not what the tile above it says");
            }
        }
        return isGood & await RootAsync(cancellationToken);
    }

    private async Task<bool> LeavesAsync(TreeReader reader, long first, long last, CancellationToken cancellationToken)
    {
        var isGood = true;
        for (var from = first; from <= last; from += ChunkEntries)
        {
            foreach (var row in await entries.RangeAsync(from, Math.Min(last, from + ChunkEntries - 1),
                cancellationToken))
            {
                var index = row.Columns.Sequence - 1;
                var tile = await reader.TileAsync(0, index >> TileStore.WidthBits, cancellationToken);
                var at = (int)(index & (TileStore.Width - 1)) * MerkleTree.HashBytes;
                if (tile.Length >= at + MerkleTree.HashBytes
                    && tile.AsSpan(at, MerkleTree.HashBytes).SequenceEqual(row.LeafHash))
                    continue;
                isGood = false;
                alarms.Raise(log.Value, "entry", $"entry {row.Columns.Sequence} is not what the tree has in its place");
            }
        }
        return isGood;
    }

    private static byte[] RootOf(byte[] hashes)
    {
        CompactRange range = new();
        for (var at = 0; at + MerkleTree.HashBytes <= hashes.Length; at += MerkleTree.HashBytes)
            range.Append(hashes[at..(at + MerkleTree.HashBytes)]);
        return range.Root();
    }
}
