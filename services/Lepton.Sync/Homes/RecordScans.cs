using System.Text;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Homes;

/// <summary>
/// Pages through a class in the order of stored keys: each home (or with LOCAL this node, where it holds every slot)
/// gives its first rows after the last page's end, and the pages are merged.
/// </summary>
internal sealed class RecordScans(
    ITopologySource topology, LocalHome local, IPeers peers, ReplicaView replicas, RowOpener opener)
{
    /// <summary>Rows looked at for one page: a blind class is searched, not looked up.</summary>
    private const int ExaminedMax = 1000;

    private const int TriesMax = 3;

    public async Task<ScannedPage> ScanAsync(
        RecordClass recordClass, string tenant, string prefix, bool fromReplica, int pageSize,
        ReadOnlyMemory<byte> after, CancellationToken cancellationToken)
    {
        var isClear = recordClass.Keys == KeyForm.Clear;
        var stored = isClear ? Encoding.UTF8.GetBytes($"{tenant}/{prefix}") : [];
        var limit = isClear ? pageSize : ExaminedMax;
        for (var attempt = 1; ; attempt++)
        {
            var now = topology.Current;
            var sources = SourcesOf(now, recordClass, fromReplica);
            var replies = await Task.WhenAll(sources.Select(source => AskAsync(
                now, source.Node, new ScanRange(recordClass.Id, source.Slots, stored, after, false), limit,
                !source.IsReplica, cancellationToken)));
            if (replies.All(r => r.Reason == HomeReason.Ok))
                return await OpenAsync(
                    now, tenant, prefix, pageSize, limit, [.. sources.Zip(replies)], cancellationToken);
            if (attempt == TriesMax
                || !replies.Any(r => r.Reason is HomeReason.EpochStale or HomeReason.NotHome))
                return ScannedPage.Unavailable;
            await topology.RefreshAsync(cancellationToken);
        }
    }

    private async Task<ScannedPage> OpenAsync(
        Topology now, string tenant, string prefix, int pageSize, int limit,
        IReadOnlyList<(Source Source, ReadReply Reply)> pages, CancellationToken cancellationToken)
    {
        var rows = pages
            .SelectMany(p => p.Reply.Rows.OfType<StoredRecord>(), (p, row) => (Row: row, p.Source))
            .OrderBy(p => p.Row.Key, ByteOrder.Instance).Take(limit).ToList();
        List<ScannedRecord> records = [];
        var last = ReadOnlyMemory<byte>.Empty;
        var stopped = false;
        foreach (var (row, source) in rows)
        {
            if (records.Count == pageSize)
            {
                stopped = true;
                break;
            }
            last = row.Key;
            var home = now[now.MapOf(row.Class).Home(row.Slot)];
            var opened = await opener.OpenAsync(row, source.IsReplica ? home : source.Node, cancellationToken);
            if (opened.State == OpenState.KeyMissing)
                return ScannedPage.Unavailable;
            if (opened.State == OpenState.Damaged)
                return ScannedPage.Damaged;
            if (opened.State == OpenState.Opened && opened.Tenant == tenant
                && opened.Key.StartsWith(prefix, StringComparison.Ordinal))
                records.Add(new ScannedRecord(opened.Key, opened.Value, row.Version));
        }
        // A source that gave as many as it was asked for may have more.
        var isLast = !stopped && rows.Count < limit && pages.All(p => p.Reply.Rows.Count < limit);
        return new ScannedPage(FoundState.Found, records, isLast ? default : last, FreshnessOf(now, pages));
    }

    private ReadFreshness FreshnessOf(Topology now, IReadOnlyList<(Source Source, ReadReply Reply)> pages)
    {
        if (!pages.Any(p => p.Source.IsReplica))
            return new ReadFreshness(pages.Count == 1 ? pages[0].Source.Node.Name : "", true, TimeSpan.Zero, false);
        TimeSpan? oldest = TimeSpan.Zero;
        foreach (var home in pages[0].Source.Homes.Where(h => h != topology.Self.Id))
            oldest = replicas.StalenessOf(home) is { } age && oldest is { } so ? (age > so ? age : so) : null;
        return new ReadFreshness(topology.Self.Name, false, oldest, false);
    }

    private Task<ReadReply> AskAsync(
        Topology now, SyncNode node, ScanRange range, int limit, bool home, CancellationToken cancellationToken) =>
        node.Id == topology.Self.Id
            ? local.ScanAsync(now.Epoch, range, limit, home, cancellationToken)
            : peers.ScanAsync(node, now.Epoch, range, limit, home, cancellationToken);

    private List<Source> SourcesOf(Topology now, RecordClass recordClass, bool fromReplica)
    {
        var map = now.MapOf(recordClass.Id);
        var slots = Enumerable.Range(0, SlotId.Count).Select(i => new SlotId((short)i)).ToList();
        var homes = slots.GroupBy(map.Home).ToList();
        if (fromReplica && slots.TrueForAll(slot => map.Holds(topology.Self.Id, slot)))
            return [new Source(topology.Self, slots, true, [.. homes.Select(h => h.Key)])];
        return [.. homes.Select(h => new Source(now[h.Key], [.. h], false, [h.Key]))];
    }

    private sealed record Source(
        SyncNode Node, IReadOnlyList<SlotId> Slots, bool IsReplica, IReadOnlyList<NodeId> Homes);

    private sealed class ByteOrder : IComparer<ReadOnlyMemory<byte>>
    {
        public static readonly ByteOrder Instance = new();

        public int Compare(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceCompareTo(y.Span);
    }
}

/// <param name="Key">In clear.</param>
/// <param name="Value">In clear.</param>
/// <param name="Version">Its version.</param>
internal sealed record ScannedRecord(string Key, ReadOnlyMemory<byte> Value, RecordVersion Version);

/// <param name="State">Found, Damaged or Unavailable.</param>
/// <param name="Records">The page's.</param>
/// <param name="After">The next page begins after this stored key; empty: this was the last.</param>
/// <param name="Freshness">How old the oldest may be.</param>
internal sealed record ScannedPage(
    FoundState State, IReadOnlyList<ScannedRecord> Records, ReadOnlyMemory<byte> After, ReadFreshness? Freshness)
{
    public static ScannedPage Unavailable { get; } = new(FoundState.Unavailable, [], default, null);

    public static ScannedPage Damaged { get; } = new(FoundState.Damaged, [], default, null);
}
