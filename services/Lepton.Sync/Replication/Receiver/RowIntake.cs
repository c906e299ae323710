using Lepton.ServiceDefaults;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;

namespace Lepton.Sync.Replication.Receiver;

/// <summary>What was sent cannot be taken: the stream is opened anew.</summary>
internal sealed class IntakeException(string message) : Exception(message);

/// <summary>
/// What came from a source, looked at before any of it is kept: checksum, digests, and whether the source may send, and
/// this node may hold it. (S3, S6)
/// </summary>
internal sealed partial class RowIntake(
    NodeId source, ITopologySource topology, IDataKeys keys, Quarantine quarantine, ReplicationMetrics metrics,
    ILogger logger)
{
    private const int KeysMax = 1000;

    private long _passedOverEpoch;

    /// <summary>
    /// By which map rows were passed over because another is home now: an acknowledgement must not look as if it were
    /// of an earlier one, or a home that was replaced would think them safe.
    /// </summary>
    public long PassedOverEpoch => Volatile.Read(ref _passedOverEpoch);

    /// <summary>The rows of a batch that are to be applied.</summary>
    /// <param name="batch">A serialized RecordBatch.</param>
    /// <param name="crc">What its CRC-32C should be.</param>
    /// <param name="epoch">By which map the source sent it.</param>
    /// <param name="isCopy">Of a slot as it is now; else of what changed.</param>
    /// <exception cref="IntakeException">It is damaged, or may not be here.</exception>
    public IReadOnlyList<StoredRecord> Take(ReadOnlyMemory<byte> batch, uint crc, long epoch, bool isCopy)
    {
        if (Crc32C.Of(batch.Span) != crc || RowCodec.Decode(batch) is not { } rows)
        {
            metrics.Damaged("frame");
            throw new IntakeException("a frame came damaged");
        }
        var map = topology.Current;
        rows.RemoveAll(row => !IsWanted(map, row, epoch) || (!isCopy && IsBefore(map, row)));
        return rows;
    }

    /// <summary>Those rows that were taken and that are the source's to send by this map too.</summary>
    public IReadOnlyList<StoredRecord> Keep(Topology map, IReadOnlyList<StoredRecord> rows)
    {
        List<StoredRecord> kept = [.. rows.Where(row => IsItsOwn(map, row))];
        for (var i = kept.Count; i < rows.Count; i++)
            PassOver(map);
        return kept;
    }

    /// <summary>Sees that the rows' keys are known here, as far as the source has them.</summary>
    public async Task EnsureKeysAsync(
        IReadOnlyList<StoredRecord> rows, IReplicationPeer peer, CancellationToken cancellationToken)
    {
        HashSet<KeyId> unknown = [];
        foreach (var row in rows)
            if (row.KeyId != KeyId.None && keys.Find(row.KeyId).State == KeyState.Unknown)
                unknown.Add(row.KeyId);
        foreach (var ids in unknown.Chunk(KeysMax))
            await FetchAsync(ids, peer, cancellationToken);
    }

    private bool IsWanted(Topology map, StoredRecord row, long epoch)
    {
        if (!row.IsIntact)
        {
            if (quarantine.PutsAside(source, row))
                return false;
            metrics.Damaged("row");
            LogDamaged(source.Value, row.Class.Value, row.Slot.Value, row.Version.ToString());
            throw new IntakeException("a row came damaged");
        }
        if (row.Class.Value >= map.Classes.Count || !topology.MayHold(map[row.Class], topology.Self.Region))
            throw Refuse("residency", row);
        if (IsItsOwn(map, row))
            return true;
        // By an older map it may have been right to send it; who is home now has what counts, and is copied from.
        if (epoch >= map.Epoch)
            throw Refuse("not_home", row);
        PassOver(map);
        return false;
    }

    private bool IsItsOwn(Topology map, StoredRecord row)
    {
        var slots = map.MapOf(row.Class);
        return slots.Holds(topology.Self.Id, row.Slot) && slots.Home(row.Slot) == source
            && row.Version.Term <= slots.Term(row.Slot);
    }

    // What the source's log has of before its term it may have lost since, to another home that did not know it: a
    // copy shows what of it counts.
    private static bool IsBefore(Topology map, StoredRecord row) =>
        row.Version.Term < map.MapOf(row.Class).Term(row.Slot);

    private void PassOver(Topology map)
    {
        metrics.Refused("former_home", 1);
        Volatile.Write(ref _passedOverEpoch, Math.Max(map.Epoch, PassedOverEpoch));
    }

    private IntakeException Refuse(string reason, StoredRecord row)
    {
        metrics.Refused(reason, 1);
        LogRefused(source.Value, row.Class.Value, row.Slot.Value, reason);
        return new IntakeException($"RESIDENCY_REFUSED: a row may not come from this source to this node ({reason})");
    }

    private async Task FetchAsync(KeyId[] ids, IReplicationPeer peer, CancellationToken cancellationToken)
    {
        var found = await peer.GetKeysAsync(ids, cancellationToken);
        var map = topology.Current;
        List<DataKey> live = [];
        List<KeyId> erased = [];
        var missing = 0;
        for (var i = 0; i < ids.Length; i++)
        {
            var lookup = found[i];
            if (lookup is { State: KeyState.Live, Key: { } key } && key.Id == ids[i]
                && key.Class.Value < map.Classes.Count 
                && topology.MayHold(map[key.Class], topology.Self.Region))
                live.Add(key);
            else if (lookup.State == KeyState.Erased)
                erased.Add(ids[i]);
            else
                missing++;
        }
        if (live.Count > 0)
            await keys.AddAsync(live, cancellationToken);
        if (erased.Count > 0)
            await keys.MarkErasedAsync(erased, cancellationToken);
        if (missing == 0)
            return;
        // The rows are kept: they are as safe here as elsewhere, and whoever opens one is told that its key is missing.
        metrics.KeysMissing.Add(missing);
        LogKeysMissing(source.Value, missing);
    }

    [LoggerMessage(LogLevel.Error, "Node {Source} sent a row of class {RecordClass}, slot {Slot}, that may not come "
        + "from it to this node: refused ({Reason})")]
    private partial void LogRefused(short source, short recordClass, short slot, string reason);

    [LoggerMessage(LogLevel.Error, "A row of node {Source}, class {RecordClass}, slot {Slot}, version {Version} came "
        + "damaged; it is asked for anew")]
    private partial void LogDamaged(short source, short recordClass, short slot, string version);

    [LoggerMessage(LogLevel.Error, "Node {Source} does not have {Count} data keys of rows that it sent")]
    private partial void LogKeysMissing(short source, int count);
}
