using Lepton.Sync.Erasure;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Homes;

/// <summary>
/// What became unreadable is deleted: at its home by a tombstone without a body, which its replicas follow. It is
/// written as any other version, on condition that the row is still the one that was found.
/// </summary>
internal sealed class ErasedRecords(
    ITopologySource topology, IRecordStore store, HomeWriter writer, ReadCache cache) : IErasedRecords
{
    private const int PageMax = 500;

    public async Task<long> RemoveAsync(IReadOnlyList<KeyId> keyIds, CancellationToken cancellationToken)
    {
        if (keyIds.Count == 0)
            return 0;
        cache.Forget(keyIds);
        long found = 0;
        StoredRecord? after = null;
        while (true)
        {
            var page = await store.ReadSealedAsync(keyIds, after, PageMax, cancellationToken);
            found += page.Count;
            await Task.WhenAll(page.Where(IsHome).Select(row => BuryAsync(row, cancellationToken)));
            if (page.Count < PageMax)
                return found;
            after = page[^1];
        }
    }

    private bool IsHome(StoredRecord row) =>
        topology.Current.MapOf(row.Class).Home(row.Slot) == topology.Self.Id;

    private async Task BuryAsync(StoredRecord row, CancellationToken cancellationToken)
    {
        var outcome = await writer.WriteAsync(
            new WriteDraft
            {
                Class = row.Class,
                Slot = row.Slot,
                Key = row.Key,
                Term = topology.Current.MapOf(row.Class).Term(row.Slot),
                Kind = RecordKind.Tombstone,
                Expected = row.Version,
                Bytes = row.Key.Length,
                Seal = version => Tombstone(row, version),
            },
            cancellationToken);
        // A conflict: somebody wrote anew, with another key. Of all else nothing may be said to be done.
        if (outcome.Kind is not (HomeOutcomeKind.Done or HomeOutcomeKind.Conflict))
            throw new DatabaseUnavailableException(
                $"A record of an erased subject could not be deleted: {outcome.Kind}.");
    }

    private static StoredRecord Tombstone(StoredRecord row, RecordVersion version)
    {
        StoredRecord tombstone = new()
        {
            Class = row.Class, Slot = row.Slot, Key = row.Key, Version = version, Kind = RecordKind.Tombstone,
            KeyId = KeyId.None, Body = default, RequestId = Guid.Empty, Sha256 = default,
        };
        return tombstone with { Sha256 = StoredRecord.Digest(tombstone) };
    }
}
