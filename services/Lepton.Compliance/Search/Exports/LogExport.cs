using Lepton.Compliance.Audit;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Search.Exports;

/// <summary>
/// Takes entries of the own log out, up to a signed head, the oldest first, a page at a time: no more is in memory, and
/// the next is read when the former was sent.
/// </summary>
internal sealed class LogExport(
    LogSearch search, PersonTenants tenants, EntryOpener opener, HeadStore heads, AuditDatabase database, LogName log,
    IOptions<SearchOptions> options)
{
    /// <param name="filter">Which.</param>
    /// <param name="format">In which form.</param>
    /// <param name="sinceSize">Of JSONL: an earlier size to prove the beginning of; 0: none.</param>
    /// <param name="to">Where to.</param>
    /// <param name="progress">Told how far it came.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task WriteAsync(
        EntryFilter filter, ExportFormat format, long sinceSize, Stream to, ExportProgress progress,
        CancellationToken cancellationToken)
    {
        // Witnessed, it proves more; a head is witnessed seconds after it was signed.
        var head = await heads.LatestWitnessedAsync(log.Value, cancellationToken)
            ?? await heads.LatestAsync(log.Value, cancellationToken)
            ?? throw new LogUnavailableException("The log has no signed head yet.");
        var size = progress.Size = (long)head.Size;
        if (sinceSize > size)
            throw ServiceDefaults.RpcErrors.FieldInvalid("since_size", $"takes a size of at most {size}, the head's");
        var range = format == ExportFormat.Jsonl && filter.IsTimeOnly
            ? await RangeAsync(filter, size, cancellationToken) : null;
        IEntryForm form = format switch
        {
            ExportFormat.Csv => new CsvForm(to, opener),
            ExportFormat.Ocsf => new OcsfForm(to, opener),
            _ => new ProvenForm(to, database, log.Value, head, sinceSize, range),
        };
        await form.BeginAsync(cancellationToken);
        var after = range is { } r ? r.First - 1 : 0L;
        var last = range?.Last ?? size;
        while (after < last)
        {
            var page = await search.OldestAsync(
                filter, tenants.Names, after, last, options.Value.ExportPage, cancellationToken);
            foreach (var entry in page.Entries)
            {
                await form.WriteAsync(entry, cancellationToken);
                progress.Entries++;
                after = entry.Columns.Sequence;
            }
            if (page.Entries.Count < options.Value.ExportPage)
                break;
        }
        await form.EndAsync(cancellationToken);
    }

    // By the places of the first and last: what lies between is exported without a gap, and proven together.
    private async Task<(long First, long Last)?> RangeAsync(
        EntryFilter filter, long size, CancellationToken cancellationToken)
    {
        var first = (await search.OldestAsync(filter, [], 0, size, 1, cancellationToken)).Entries;
        var last = (await search.NewestAsync(filter, [], size + 1, 1, cancellationToken)).Entries;
        return first.Count == 0 || last.Count == 0
            ? null // nothing: a selection of none
            : (first[0].Columns.Sequence, last[0].Columns.Sequence);
    }
}
