using System.Runtime.CompilerServices;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Erasure;

/// <param name="Row">As it is stored.</param>
/// <param name="Opened">As it is read.</param>
internal sealed record ExportedRecord(StoredRecord Row, OpenedRecord Opened);

/// <summary>Everything that this node holds of a subject: found by its keys, page by page.</summary>
internal sealed class SubjectExport(IDataKeys keys, IRecordStore store, IRecordSealer sealer)
{
    private const int PageMax = 100; // of at most 1 MiB each

    /// <summary>Every value. One that is erased meanwhile is left out; a damaged one comes as it is.</summary>
    public async IAsyncEnumerable<ExportedRecord> ReadAsync(
        string tenant, string subject, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var ids = keys.OfSubject(sealer.DigestOf(tenant, subject));
        if (ids.Count == 0)
            yield break;
        StoredRecord? after = null;
        IReadOnlyList<StoredRecord> page;
        do
        {
            page = await store.ReadSealedAsync(ids, after, PageMax, cancellationToken);
            foreach (var row in page.Where(r => r.Kind == RecordKind.Value))
            {
                var opened = sealer.Open(row);
                if (opened.State is OpenState.Opened or OpenState.Damaged)
                    yield return new ExportedRecord(row, opened);
            }
            after = page.Count > 0 ? page[^1] : after;
        }
        while (page.Count == PageMax);
    }
}
