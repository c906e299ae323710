using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Search.Exports;

/// <summary>
/// The native form, which <c>./lepton audit verify</c> verifies with nothing else: stored bytes, columns and proofs
/// against a signed head. Persons' fields stay sealed in it.
/// </summary>
internal sealed class ProvenForm(
    Stream to, AuditDatabase database, string log, TreeHead head, long sinceSize, (long First, long Last)? range)
    : IEntryForm
{
    // A reader keeps every tile that it read: a new one is taken before that is much.
    private const int EntriesOfReader = 10_000;

    private readonly ExportWriter _writer = new(to);
    private readonly TileStore _tiles = new(database);
    private TreeReader _reader = new(database, log, Months.Entries);

    private long Size => (long)head.Size;

    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        var header = range is var (first, last)
            ? new ExportHeader(log, ExportMode.Range, Size, first, last,
                await _reader.NodesAsync(0, first - 1, cancellationToken),
                await _reader.NodesAsync(last, Size, cancellationToken))
            : new ExportHeader(log, ExportMode.Selection, Size, 0, 0, [], []);
        await _writer.WriteHeaderAsync(header, cancellationToken);
    }

    public async Task WriteAsync(StoredEntry entry, CancellationToken cancellationToken)
    {
        if (_writer.Entries % EntriesOfReader == EntriesOfReader - 1)
            _reader = _tiles.Reader(log, Months.Entries);
        await _writer.WriteEntryAsync(entry.Columns, entry.Bytes, range is null
            ? await _reader.InclusionAsync(entry.Columns.Sequence - 1, Size, cancellationToken) : null,
            cancellationToken);
    }

    public async Task EndAsync(CancellationToken cancellationToken)
    {
        if (sinceSize > 0)
            await _writer.WriteConsistencyAsync(
                sinceSize, await _reader.ConsistencyAsync(sinceSize, Size, cancellationToken), cancellationToken);
        await _writer.WriteEndAsync(head, cancellationToken);
    }
}
