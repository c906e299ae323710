using System.Collections.Concurrent;
using Lepton.Sync.Erasure;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Tests.Erasure;

/// <summary>Rows in memory, as much of a store as erasure and export ask; erased values become tombstones.</summary>
internal sealed class MemoryRecords : IRecordStore, IErasedRecords
{
    private readonly ConcurrentDictionary<string, StoredRecord> _rows = new();

    public IEnumerable<StoredRecord> Rows => _rows.Values;

    public int Removals { get; private set; }

    public void Put(StoredRecord row) => _rows[NameOf(row)] = row;

    public Task<IReadOnlyList<StoredRecord>> ReadSealedAsync(
        IReadOnlyList<KeyId> keyIds, StoredRecord? after, int limit, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<StoredRecord>>(
        [
            .. _rows.OrderBy(r => r.Key, StringComparer.Ordinal)
                .Where(r => after is null || string.CompareOrdinal(r.Key, NameOf(after)) > 0)
                .Select(r => r.Value).Where(r => r.Kind == RecordKind.Value && keyIds.Contains(r.KeyId)).Take(limit),
        ]);

    public Task<long> RemoveAsync(IReadOnlyList<KeyId> keyIds, CancellationToken cancellationToken)
    {
        Removals++;
        long removed = 0;
        foreach (var row in Rows.Where(r => r.Kind == RecordKind.Value && keyIds.Contains(r.KeyId)).ToList())
        {
            var tombstone = row with
            {
                Kind = RecordKind.Tombstone, KeyId = KeyId.None, Body = ReadOnlyMemory<byte>.Empty,
                Version = row.Version with { Clock = row.Version.Clock + 1 },
            };
            Put(tombstone with { Sha256 = StoredRecord.Digest(tombstone) });
            removed++;
        }
        return Task.FromResult(removed);
    }

    private static string NameOf(StoredRecord row) =>
        $"{row.Class.Value:D5}/{Convert.ToHexString(row.Key.Span)}";

    Task<IReadOnlyList<StoredRecord?>> IRecordStore.ReadAsync(
        ClassId recordClass, IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    Task<HomeCommit> IRecordStore.WriteAsync(IReadOnlyList<HomeWrite> writes, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    Task IRecordStore.ApplyAsync(
        SourceProgress progress, IReadOnlyList<StoredRecord> records, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    Task<IReadOnlyList<SourceProgress>> IRecordStore.ReadProgressAsync(CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    Task<IReadOnlyList<StoredRecord>> IRecordStore.ScanAsync(
        ScanRange range, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

    Task<long> IRecordStore.ReadGreatestClockAsync(CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    Task<int> IRecordStore.DropTombstonesAsync(
        ClassId recordClass, IReadOnlyList<SlotId> slots, long before, int limit,
        CancellationToken cancellationToken) => throw new NotSupportedException();

    Task<int> IRecordStore.ReplaceSlotAsync(
        ClassId recordClass, SlotId slot, IReadOnlyList<StoredRecord> rows, CancellationToken cancellationToken) =>
        throw new NotSupportedException();
}
