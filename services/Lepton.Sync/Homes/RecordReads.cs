using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;
using ReadConsistency = Lepton.Sync.V1.ReadConsistency;

namespace Lepton.Sync.Homes;

/// <summary>Reads records: at their homes, from this node's replica, or from its cache.</summary>
internal sealed class RecordReads(
    ITopologySource topology, LocalHome local, IPeers peers, IRecordStore store, ReplicaView replicas, RowOpener opener,
    ReadCache cache, TimeProvider time)
{
    private const int TriesMax = 3;

    /// <summary>In the order of the addresses.</summary>
    public async Task<IReadOnlyList<FoundRecord>> ReadAsync(
        IReadOnlyList<RecordAddress> addresses, ReadConsistency consistency, TimeSpan maxAge,
        CancellationToken cancellationToken)
    {
        var found = new FoundRecord?[addresses.Count];
        if (consistency == ReadConsistency.Cached)
            for (var i = 0; i < found.Length; i++)
                found[i] = FindCached(addresses[i], maxAge);
        var now = topology.Current;
        if (consistency != ReadConsistency.Home)
            await ReadReplicaAsync(now, addresses, found, consistency, maxAge, cancellationToken);
        await ReadHomesAsync(addresses, found, cancellationToken);
        return [.. found.Select(f => f ?? throw new InvalidOperationException("A read has no answer."))];
    }

    private FoundRecord? FindCached(RecordAddress address, TimeSpan maxAge) =>
        cache.Find(address.Class.Id, address.Tenant, address.Key, maxAge) is { } entry
            ? new FoundRecord(FoundState.Found, entry.Value, entry.Version,
                new ReadFreshness(topology.Self.Name, false, time.GetElapsedTime(entry.ReadAt), true))
            : null;

    // What this node holds; with CACHED only while that is fresh enough.
    private async Task ReadReplicaAsync(
        Topology now, IReadOnlyList<RecordAddress> addresses, FoundRecord?[] found, ReadConsistency consistency,
        TimeSpan maxAge, CancellationToken cancellationToken)
    {
        var self = topology.Self.Id;
        var here = Enumerable.Range(0, addresses.Count).Where(i => found[i] is null
            && now.MapOf(addresses[i].Class.Id) is var map && map.Holds(self, addresses[i].Slot)
            && (consistency == ReadConsistency.Local
                || (map.Home(addresses[i].Slot) != self && replicas.StalenessOf(
                    map.Home(addresses[i].Slot), addresses[i].Class.Id, addresses[i].Slot) <= maxAge)));
        foreach (var group in here.GroupBy(i => addresses[i].Class.Id).ToList())
        {
            var members = group.ToList();
            var (mark, readAt) = (cache.Mark, time.GetTimestamp());
            IReadOnlyList<StoredRecord?> rows;
            try
            {
                rows = await store.ReadAsync(
                    group.Key, [.. members.Select(i => addresses[i].StoredKey)], cancellationToken);
            }
            catch (DatabaseUnavailableException)
            {
                continue; // their homes are asked
            }
            for (var i = 0; i < members.Count; i++)
            {
                var address = addresses[members[i]];
                var home = now.MapOf(group.Key).Home(address.Slot);
                var staleness = home == self ? TimeSpan.Zero : replicas.StalenessOf(home, group.Key, address.Slot);
                found[members[i]] = await OpenAsync(address, rows[i], now[home],
                    new ReadFreshness(topology.Self.Name, home == self, staleness, false), cancellationToken);
                if (staleness is { } age)
                    Keep(address, rows[i], found[members[i]], mark, readAt - Ticks(age));
            }
        }
    }

    private async Task ReadHomesAsync(
        IReadOnlyList<RecordAddress> addresses, FoundRecord?[] found, CancellationToken cancellationToken)
    {
        var open = Enumerable.Range(0, addresses.Count).Where(i => found[i] is null).ToList();
        for (var attempt = 1; open.Count > 0; attempt++)
        {
            var now = topology.Current;
            await Task.WhenAll(open.GroupBy(i => now.MapOf(addresses[i].Class.Id).Home(addresses[i].Slot)).Select(
                group => ReadHomeAsync(now, now[group.Key], [.. group], addresses, found, cancellationToken)));
            open = [.. open.Where(i => found[i] is null)];
            if (open.Count == 0)
                return;
            if (attempt == TriesMax)
            {
                foreach (var i in open)
                    found[i] = FoundRecord.Unavailable;
                return;
            }
            await topology.RefreshAsync(cancellationToken);
        }
    }

    private async Task ReadHomeAsync(
        Topology now, SyncNode home, IReadOnlyList<int> indexes, IReadOnlyList<RecordAddress> addresses,
        FoundRecord?[] found, CancellationToken cancellationToken)
    {
        List<RecordAddress> asked = [.. indexes.Select(i => addresses[i])];
        var (mark, readAt) = (cache.Mark, time.GetTimestamp());
        var reply = home.Id == topology.Self.Id
            ? await local.ReadAsync(now.Epoch, asked, cancellationToken)
            : await peers.ReadAsync(home, now.Epoch, asked, cancellationToken);
        if (reply.Reason is HomeReason.EpochStale or HomeReason.NotHome)
            return; // again, by a newer map
        for (var i = 0; i < indexes.Count; i++)
        {
            if (reply.Reason != HomeReason.Ok)
            {
                found[indexes[i]] = FoundRecord.Unavailable;
                continue;
            }
            found[indexes[i]] = await OpenAsync(asked[i], reply.Rows[i], home,
                new ReadFreshness(home.Name, true, TimeSpan.Zero, false), cancellationToken);
            Keep(asked[i], reply.Rows[i], found[indexes[i]], mark, readAt);
        }
    }

    private async Task<FoundRecord> OpenAsync(
        RecordAddress address, StoredRecord? row, SyncNode source, ReadFreshness freshness,
        CancellationToken cancellationToken)
    {
        if (row is null || row.Kind == RecordKind.Tombstone)
            return new FoundRecord(FoundState.Absent, default, RecordVersion.None, freshness);
        var opened = await opener.OpenAsync(row, source, cancellationToken);
        // A row in another's place would open: it must be the one that was asked for.
        return opened.State == OpenState.Opened && (opened.Tenant != address.Tenant || opened.Key != address.Key)
            ? new FoundRecord(FoundState.Damaged, default, row.Version, freshness)
            : new FoundRecord(RowOpener.StateOf(opened.State), opened.Value, row.Version, freshness);
    }

    private void Keep(RecordAddress address, StoredRecord? row, FoundRecord? found, long mark, long readAt)
    {
        if (row is not null && found is { State: FoundState.Found })
            cache.Keep(address, new CachedRecord(found.Value, row.Version, row.KeyId, row.Key, readAt), mark);
    }

    private long Ticks(TimeSpan age) => (long)(age.TotalSeconds * time.TimestampFrequency);
}

/// <summary>How fresh what was read is.</summary>
/// <param name="Node">Who answered.</param>
/// <param name="Home">It is the key's home.</param>
/// <param name="StalenessMax">At most this old; null: not known.</param>
/// <param name="Cached">From a cache.</param>
internal sealed record ReadFreshness(string Node, bool Home, TimeSpan? StalenessMax, bool Cached);

/// <summary>What a reading found.</summary>
internal enum FoundState
{
    /// <summary>A value.</summary>
    Found,

    /// <summary>There is none.</summary>
    Absent,

    /// <summary>Its subject was erased.</summary>
    Erased,

    /// <summary>Its bytes are not its home's.</summary>
    Damaged,

    /// <summary>Its home, or what opens it, cannot be had now.</summary>
    Unavailable,
}

/// <param name="State">What was found.</param>
/// <param name="Value">In clear; empty unless found.</param>
/// <param name="Version">Its version.</param>
/// <param name="Freshness">How old it may be; null where nothing was read.</param>
internal sealed record FoundRecord(
    FoundState State, ReadOnlyMemory<byte> Value, RecordVersion Version, ReadFreshness? Freshness)
{
    public static FoundRecord Unavailable { get; } = new(FoundState.Unavailable, default, RecordVersion.None, null);
}
