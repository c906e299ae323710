using Lepton.Simulation.Sync;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Tests.Storage;

/// <summary>A store whose home's batches wait until a test lets them go on, one way or another.</summary>
internal sealed class GatedStore : IRecordStore
{
    private readonly SimulatedRecordStore _inner = new(TimeProvider.System, new Random(1));

    /// <summary>Batches that wait, oldest first.</summary>
    public List<GatedBatch> Batches { get; } = [];

    /// <summary>Writes that are committed.</summary>
    public int Committed => _inner.Rows.Log.Sum(t => t.Records.Count);

    /// <summary>What is committed, in order.</summary>
    public IEnumerable<StoredRecord> History => _inner.Rows.Log.SelectMany(t => t.Records);

    public Task<HomeCommit> WriteAsync(IReadOnlyList<HomeWrite> writes, CancellationToken cancellationToken)
    {
        GatedBatch batch = new(this, writes);
        Batches.Add(batch);
        return batch.Commit;
    }

    public Task<IReadOnlyList<StoredRecord?>> ReadAsync(
        ClassId recordClass, IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken) =>
        _inner.ReadAsync(recordClass, keys, cancellationToken);

    public Task ApplyAsync(
        SourceProgress progress, IReadOnlyList<StoredRecord> records, CancellationToken cancellationToken) =>
        _inner.ApplyAsync(progress, records, cancellationToken);

    public Task<IReadOnlyList<SourceProgress>> ReadProgressAsync(CancellationToken cancellationToken) =>
        _inner.ReadProgressAsync(cancellationToken);

    public Task<IReadOnlyList<StoredRecord>> ScanAsync(
        ScanRange range, int limit, CancellationToken cancellationToken) =>
        _inner.ScanAsync(range, limit, cancellationToken);

    public Task<IReadOnlyList<StoredRecord>> ReadSealedAsync(
        IReadOnlyList<KeyId> keyIds, StoredRecord? after, int limit, CancellationToken cancellationToken) =>
        _inner.ReadSealedAsync(keyIds, after, limit, cancellationToken);

    public Task<long> ReadGreatestClockAsync(CancellationToken cancellationToken) =>
        _inner.ReadGreatestClockAsync(cancellationToken);

    public Task<int> DropTombstonesAsync(
        ClassId recordClass, IReadOnlyList<SlotId> slots, long before, int limit,
        CancellationToken cancellationToken) =>
        _inner.DropTombstonesAsync(recordClass, slots, before, limit, cancellationToken);

    public Task<int> ReplaceSlotAsync(
        ClassId recordClass, SlotId slot, IReadOnlyList<StoredRecord> rows, CancellationToken cancellationToken) =>
        _inner.ReplaceSlotAsync(recordClass, slot, rows, cancellationToken);

    /// <summary>
    /// Does something, and all that goes on because of it, here and now: xunit's context would post it elsewhere.
    /// </summary>
    public static void Inline(Action action)
    {
        SynchronizationContext? before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            action();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    /// <summary>One batch at the gate.</summary>
    internal sealed class GatedBatch(GatedStore store, IReadOnlyList<HomeWrite> writes)
    {
        private readonly TaskCompletionSource<HomeCommit> _commit = new();

        public IReadOnlyList<HomeWrite> Writes { get; } = writes;

        public Task<HomeCommit> Commit => _commit.Task;

        /// <summary>It is committed, and answered.</summary>
        public HomeCommit LetThrough()
        {
            store.Batches.Remove(this);
            HomeCommit commit = store._inner.Rows.Write(Writes);
            Inline(() => _commit.SetResult(commit));
            return commit;
        }

        /// <summary>It fails.</summary>
        /// <param name="isDone">It is committed all the same.</param>
        public void Fail(Exception e, bool isDone = false)
        {
            store.Batches.Remove(this);
            if (isDone)
                store._inner.Rows.Write(Writes);
            Inline(() => _commit.SetException(e));
        }
    }
}
