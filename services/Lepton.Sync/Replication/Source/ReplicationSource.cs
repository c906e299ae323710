using System.Runtime.CompilerServices;
using Lepton.ServiceDefaults;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Receiver;
using Lepton.Sync.Replication.Spooling;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Replication.Source;

/// <summary>What a node gives to the others: its changes, its slots' rows, its data keys; each only to whom it may.
/// (S3, S6)</summary>
internal sealed partial class ReplicationSource(
    ITopologySource topology, Spool spool, IRecordStore store, IDataKeys keys, Confirmations confirmations, Lag lag,
    MapTurns turns, ReplicationOptions options, ReplicationMetrics metrics, TimeProvider time,
    ILogger<ReplicationSource> logger)
{
    // Of a copy at once in memory: a row is 1 MiB at most.
    private const int CopyRowsMax = 256;

    private readonly Lock _state = new();
    private readonly Dictionary<NodeId, SourceStream> _streams = [];
    private readonly Dictionary<NodeId, LogPosition> _held = [];
    private string _heldTimeline = "";
    private HashSet<NodeId> _receivers = [];
    private long _receiversEpoch = -1;

    /// <summary>Begins a stream; the newest of a receiver's is the one that goes on.</summary>
    /// <param name="callerRegion">As the caller's certificate says.</param>
    /// <param name="node">Who the caller says it is.</param>
    /// <param name="timeline">Of its position; empty with position 0.</param>
    /// <param name="position">The last it has committed; 0: begin at the present end.</param>
    /// <returns>The stream, or why there is none.</returns>
    public (SourceStream? Stream, StreamEnd? Refusal) Open(
        string callerRegion, string node, string timeline, LogPosition position)
    {
        if (topology.Current.FindNode(node) is not { } receiver)
            return (null, StreamEnd.NodeUnknown);
        if (receiver.Region != callerRegion)
        {
            metrics.Refused("region", 1);
            LogImpostor(node, callerRegion);
            return (null, StreamEnd.NotAllowed);
        }
        lag.Heard(receiver.Id);
        lock (_state)
        {
            if (!spool.IsReady)
                return (null, StreamEnd.NotReady);
            var fresh = position.Value == 0;
            var from = fresh ? spool.End : position;
            if (spool.OpenReader(fresh ? spool.Timeline : timeline, from) is not { } reader)
                return (null, StreamEnd.PositionLost);
            if (_streams.TryGetValue(receiver.Id, out var former))
                former.Supersede();
            confirmations.Reopened(receiver.Id);
            SourceStream stream = new(
                receiver, reader, spool.Timeline, from, topology, options, metrics, time);
            _streams[receiver.Id] = stream;
            Hold(receiver.Id, stream.Timeline, from);
            return (stream, null);
        }
    }

    /// <summary>The receiver has committed everything to here, in the slots that it had whole at that epoch.</summary>
    public void Acknowledge(SourceStream stream, LogPosition position, long epoch)
    {
        lag.Heard(stream.Receiver.Id);
        lock (_state)
        {
            if (_streams.GetValueOrDefault(stream.Receiver.Id) != stream)
                return;
            Hold(stream.Receiver.Id, stream.Timeline, position);
        }
        stream.Acknowledge(position);
        confirmations.Acknowledged(stream.Receiver.Id, stream.Timeline, position, epoch);
        spool.Trim(HeldByAll());
    }

    /// <summary>A stream is over.</summary>
    public void Close(SourceStream stream)
    {
        lock (_state)
            if (_streams.GetValueOrDefault(stream.Receiver.Id) == stream)
                _streams.Remove(stream.Receiver.Id);
    }

    /// <summary>A message named the sender's epoch: a newer one than ours is asked for.</summary>
    public Task NoticeEpochAsync(long epoch, CancellationToken cancellationToken) =>
        epoch > topology.Current.Epoch ? topology.RefreshAsync(cancellationToken) : Task.CompletedTask;

    /// <summary>May the caller copy these slots from us?</summary>
    public async Task<CopyVerdict> JudgeCopyAsync(string callerRegion, string node, long epoch, ClassId recordClass,
        IReadOnlyList<SlotId> slots, CancellationToken cancellationToken)
    {
        // What the copy does not show must come by the stream: that must judge by the map that gave the slots.
        await NoticeEpochAsync(epoch, cancellationToken);
        var map = topology.Current;
        if (epoch > map.Epoch)
            return CopyVerdict.MapUnavailable;
        // Nobody takes from the stream what is of before our term: it is in the copy, or lost.
        await turns.SettleAsync(cancellationToken);
        if (map.FindNode(node) is not { } receiver)
            return CopyVerdict.NodeUnknown;
        if (receiver.Region != callerRegion)
            return CopyVerdict.NotAllowed;
        if (recordClass.Value >= map.Classes.Count || !topology.MayHold(map[recordClass], callerRegion)
            || slots.Any(s => !map.MapOf(recordClass).Holds(receiver.Id, s)))
        {
            metrics.Refused("residency", 1);
            LogResidency(node, recordClass.Value);
            return CopyVerdict.ResidencyRefused;
        }
        return slots.All(s => map.MapOf(recordClass).Home(s) == topology.Self.Id)
            ? CopyVerdict.Allowed
            : CopyVerdict.NotHome;
    }

    /// <summary>The rows of slots as they are now, tombstones too, slot by slot. Judge first.</summary>
    public async IAsyncEnumerable<CopiedRows> CopyAsync(ClassId recordClass, IReadOnlyList<SlotId> slots,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Most slots have few rows: many are looked at together, and halved until what they have fits a page.
        Stack<IReadOnlyList<SlotId>> left = new([slots]);
        while (left.TryPop(out var some))
        {
            ReadOnlyMemory<byte> after = default;
            var rows = await PageAsync(recordClass, some, after, cancellationToken);
            if (rows.Count == CopyRowsMax && some.Count > 1)
            {
                left.Push([.. some.Skip(some.Count / 2)]);
                left.Push([.. some.Take(some.Count / 2)]);
                continue;
            }
            for (; rows.Count == CopyRowsMax; rows = await PageAsync(recordClass, some, after, cancellationToken))
            {
                after = rows[^1].Key;
                foreach (var (batch, _) in Batches(rows))
                    yield return new CopiedRows(some[0], batch, Crc32C.Of(batch.Span), false);
            }
            var bySlot = rows.ToLookup(r => r.Slot);
            foreach (var slot in some)
                foreach (var (batch, isEnd) in Batches(bySlot[slot]))
                    yield return new CopiedRows(slot, batch, Crc32C.Of(batch.Span), isEnd);
        }
    }

    /// <summary>What is known of data keys, for a region: keys of classes that it may not hold are not told.</summary>
    public IReadOnlyList<DataKeyLookup> KeysFor(string callerRegion, IReadOnlyList<KeyId> ids)
    {
        var map = topology.Current;
        var found = new DataKeyLookup[ids.Count];
        for (var i = 0; i < found.Length; i++)
        {
            found[i] = keys.Find(ids[i]);
            if (found[i].Key is not { } key
                || (key.Class.Value < map.Classes.Count && topology.MayHold(map[key.Class], callerRegion)))
                continue;
            found[i] = new DataKeyLookup(KeyState.Unknown, null);
            metrics.Refused("key_residency", 1);
            LogKeyResidency(callerRegion, key.Class.Value);
        }
        return found;
    }

    private Task<IReadOnlyList<StoredRecord>> PageAsync(ClassId recordClass, IReadOnlyList<SlotId> slots,
        ReadOnlyMemory<byte> after, CancellationToken cancellationToken) => store.ScanAsync(
            new ScanRange(recordClass, slots, default, after, Tombstones: true), CopyRowsMax, cancellationToken);

    private IEnumerable<(ReadOnlyMemory<byte> Batch, bool IsEnd)> Batches(IEnumerable<StoredRecord> rows)
    {
        using MemoryStream batch = new();
        foreach (var row in rows)
        {
            var wire = RowCodec.Encode(row);
            if (batch.Length > 0 && batch.Length + wire.Length > options.FrameBytesMax)
            {
                yield return (batch.ToArray(), false);
                batch.SetLength(0);
            }
            batch.Write(wire);
        }
        yield return (batch.ToArray(), true);
    }

    private void Hold(NodeId node, string timeline, LogPosition position)
    {
        if (timeline != _heldTimeline)
            _held.Clear();
        _heldTimeline = timeline;
        _held[node] = position;
    }

    /// <summary>What every node has that holds slots of ours; nothing while one has not said so.</summary>
    private LogPosition HeldByAll()
    {
        lock (_state)
        {
            var map = topology.Current;
            if (map.Epoch != _receiversEpoch)
                (_receivers, _receiversEpoch) = (Receivers(map), map.Epoch);
            return _receivers.Count == 0 ? default : _receivers.Min(node => _held.GetValueOrDefault(node));
        }
    }

    private HashSet<NodeId> Receivers(Topology map)
    {
        HashSet<NodeId> receivers = [];
        foreach (var slots in map.Classes.Select(c => map.MapOf(c.Id)))
            for (short i = 0; i < SlotId.Count; i++)
                if (slots.Home(new SlotId(i)) == topology.Self.Id)
                    foreach (var node in slots.Replicas(new SlotId(i))[1..])
                        receivers.Add(node);
        return receivers;
    }

    [LoggerMessage(LogLevel.Error, "A caller of region {Region} says that it is {Node}: refused")]
    private partial void LogImpostor(string node, string region);

    [LoggerMessage(LogLevel.Error, "{Node} asked for slots of class {RecordClass} that it may not hold: refused")]
    private partial void LogResidency(string node, short recordClass);

    [LoggerMessage(LogLevel.Error, "A caller of region {Region} asked for a key of class {RecordClass}: refused")]
    private partial void LogKeyResidency(string region, short recordClass);
}
