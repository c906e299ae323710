using Lepton.Sync.Homes;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Stranded;

/// <param name="Id">Its name.</param>
/// <param name="Stored">The row, and when it was put aside.</param>
/// <param name="Opened">As it is read here.</param>
internal sealed record StrandedWrite(StrandedId Id, StrandedRow Stored, OpenedRecord Opened);

/// <param name="Writes">The page's.</param>
/// <param name="After">The next page begins after it; null: this was the last.</param>
internal sealed record StrandedPage(IReadOnlyList<StrandedWrite> Writes, StrandedId? After);

/// <summary>What a former home had committed and its successor never had: found, put back, thrown away.</summary>
internal sealed class StrandedWrites(
    StrandedRows rows, IRecordSealer sealer, IDataKeys keys, RequestReader addresses, RecordWrites writes,
    ITopologySource topology, StorageMetrics metrics)
{
    /// <summary>The next ones after one, of those tenants that are meant.</summary>
    public async Task<StrandedPage> ReadAsync(
        StrandedId after, int limit, Func<string, bool> isMeant, CancellationToken cancellationToken)
    {
        var page = await rows.ReadAsync(after, limit, cancellationToken);
        return new StrandedPage(
            [.. page.Select(Open).Where(w => isMeant(w.Opened.Tenant))],
            page.Count < limit ? null : StrandedId.Of(page[^1].Row));
    }

    /// <summary>One; null: it is not there.</summary>
    public async Task<StrandedWrite?> FindAsync(StrandedId id, CancellationToken cancellationToken) =>
        await rows.FindAsync(id, cancellationToken) is { } row ? Open(row) : null;

    /// <summary>Writes it again at the key's home, as safe as its class asks; then it is stranded no longer.</summary>
    /// <param name="write">One that was opened.</param>
    /// <param name="expected">As in a write.</param>
    /// <param name="cancellationToken">Ends the waiting, not the write.</param>
    public async Task<WriteReply> RestoreAsync(
        StrandedWrite write, RecordVersion? expected, CancellationToken cancellationToken)
    {
        var row = write.Stored.Row;
        var reply = (await writes.WriteAsync(
            [
                new WriteCommand
                {
                    Address = addresses.Address(topology.Current[row.Class], write.Opened.Tenant, write.Opened.Key),
                    Kind = row.Kind,
                    Value = write.Opened.Value,
                    Expected = expected,
                    Subject = null,
                    // Whose it was is known by the digest alone: its erasure must reach what is written again.
                    SubjectDigest = keys.Find(row.KeyId).Key?.Subject,
                    RequestId = write.Id.RequestId(),
                },
            ], default, cancellationToken))[0];
        if (reply.Reason == HomeReason.Ok)
        {
            await rows.RemoveAsync(write.Id, cancellationToken);
            metrics.StrandedSettled("restored");
        }
        return reply;
    }

    /// <summary>Throws it away. False: it was not there.</summary>
    public async Task<bool> DiscardAsync(StrandedId id, CancellationToken cancellationToken)
    {
        var removed = await rows.RemoveAsync(id, cancellationToken);
        if (removed)
            metrics.StrandedSettled("discarded");
        return removed;
    }

    private StrandedWrite Open(StrandedRow row) => new(StrandedId.Of(row.Row), row, sealer.Open(row.Row));
}
