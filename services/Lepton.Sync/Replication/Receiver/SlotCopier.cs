using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Replication.Receiver;

/// <summary>
/// Copies slots of a source that are not whole here, beside its stream, which was opened before: what a copy does not
/// show comes by the stream. Batch after batch is written down as whole: a crash costs one of them.
/// </summary>
internal sealed class SlotCopier(
    SyncNode source, IReplicationPeer peer, RowIntake intake, StreamApplier applier, ReceiverParts parts)
{
    /// <summary>While slots are replaced the stream waits: few at a time.</summary>
    private const int ReplacedSlotsMax = 64;

    /// <summary>Rows at once in memory, of at most 1 MiB: beyond it all slots count as held.</summary>
    private const int HeldRowsMax = 256;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        AsyncSignal changed = new();
        void Notice(Topology before) => changed.Set();
        parts.Topology.Changed += Notice;
        try
        {
            while (true)
            {
                var next = changed.Next;
                var map = parts.Topology.Current;
                while (parts.Slots.NextCopy(map, source.Id, parts.Options.CopySlotsMax, ReplacedSlotsMax) is { } task)
                {
                    await CopyAsync(map, task, cancellationToken);
                    map = parts.Topology.Current;
                }
                await applier.WholeAsync(map.Epoch, cancellationToken);
                await next.WaitAsync(cancellationToken);
            }
        }
        finally
        {
            parts.Topology.Changed -= Notice;
        }
    }

    private async Task CopyAsync(Topology map, CopyTask task, CancellationToken cancellationToken)
    {
        // While slots are replaced the stream waits: what it brings is newer than the copy, and must not be put aside.
        using var turn = task.Replaces ? await applier.EnterAsync(cancellationToken) : null;
        // And what came of a former home is here before it is replaced, or never.
        await parts.Turns.SettleAsync(cancellationToken);
        var held = task.Replaces ? await HeldAsync(task, cancellationToken) : [];
        HashSet<SlotId> left = [.. task.Slots];
        List<SlotId> whole = []; // and not written down yet
        var rowsSince = 0;
        List<StoredRecord> rows = [];
        using var deadline = new CancellationTokenSource(parts.Options.CopyTimeMax, parts.Time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        await foreach (var copied in peer.CopyAsync(task.Class, task.Slots, map.Epoch, ending.Token))
        {
            if (!left.Contains(copied.Slot))
                throw new IOException($"{source.Name} copies slots that nobody asked for.");
            var taken = intake.Take(copied.Batch, copied.Crc, map.Epoch, isCopy: true);
            if (taken.Any(r => r.Class != task.Class || r.Slot != copied.Slot))
                throw new IOException($"{source.Name} copies rows of other slots.");
            if (task.Replaces)
                rows.AddRange(taken);
            else if (taken.Count > 0)
                using (await applier.EnterAsync(ending.Token))
                    await applier.ApplyCopiedAsync(taken, ending.Token);
            if (!copied.IsLast)
                continue;
            if (task.Replaces && (rows.Count > 0 || held.Contains(copied.Slot)))
            {
                await intake.EnsureKeysAsync(rows, peer, ending.Token);
                await ReplaceAsync(map, task.Class, copied.Slot, rows, ending.Token);
                rows.Clear();
            }
            left.Remove(copied.Slot);
            whole.Add(copied.Slot);
            if ((rowsSince += taken.Count) >= parts.Options.ApplyRecordsMax)
            {
                await NoteAsync();
                rowsSince = 0;
            }
        }
        await NoteAsync();
        if (left.Count > 0)
            throw new IOException($"{source.Name} ended a copy before {left.Count} slots had come.");

        async Task NoteAsync()
        {
            await parts.Slots.CopiedAsync(map, task.Class, whole, source.Id, ending.Token);
            parts.Metrics.Copied.Add(whole.Count);
            whole.Clear();
        }
    }

    private async Task ReplaceAsync(
        Topology map, ClassId recordClass, SlotId slot, List<StoredRecord> rows,
        CancellationToken cancellationToken)
    {
        using var turn = parts.Turns.Begin();
        // By a newer map rows may have been passed over: what is missing then is not missing at the home.
        if (turn.Map.Epoch != map.Epoch)
            throw new IOException("The map changed while slots were copied.");
        parts.Metrics.Stranded.Add(await parts.Store.ReplaceSlotAsync(recordClass, slot, rows, cancellationToken));
        parts.Metrics.Applied(source.Name, "copy", rows.Count);
    }

    // Most slots have few rows or none: one that is empty here and there is no transaction of its own. Only while the
    // stream waits.
    private async Task<HashSet<SlotId>> HeldAsync(CopyTask task, CancellationToken cancellationToken)
    {
        var rows = await parts.Store.ScanAsync(
            new ScanRange(task.Class, task.Slots, default, default, Tombstones: true), HeldRowsMax, cancellationToken);
        return rows.Count < HeldRowsMax ? [.. rows.Select(r => r.Slot)] : [.. task.Slots];
    }
}
