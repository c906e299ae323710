using System.Text.Json;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Client.Audit.Proofs;

/// <summary>
/// Writes an export that <see cref="ExportVerifier"/> reads: JSON lines. In this order: the header; entries (and, of a
/// range, leaves in the place of entries that the reader may not see) by ascending sequence; consistency proofs from
/// earlier sizes; the head; the end. Not safe for concurrent use; the stream is the caller's.
/// </summary>
public sealed class ExportWriter(Stream stream)
{
    private static readonly byte[] NewLine = "\n"u8.ToArray();
    private ExportHeader? _header;
    private long _entries;

    /// <summary>Entries and leaves written.</summary>
    public long Entries => _entries;

    /// <summary>First of all.</summary>
    public Task WriteHeaderAsync(ExportHeader header, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(header);
        _header = header;
        return WriteAsync(new ExportLines.Line
        {
            Export = new ExportLines.HeaderLine(ExportHeader.Format, header.Log, header.Mode, header.Size,
                header.First, header.Last, header.Before, header.After),
        }, cancellationToken);
    }

    /// <summary>An entry.</summary>
    /// <param name="columns">As they are stored: the verifier holds them against the bytes.</param>
    /// <param name="bytes">The stored bytes.</param>
    /// <param name="proof">Of a selection: the inclusion proof in the tree of the header's size. Of a range:
    /// null.</param>
    /// <param name="cancellationToken">Ends the writing.</param>
    public Task WriteEntryAsync(
        EntryColumns columns, byte[] bytes, IReadOnlyList<byte[]>? proof, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(columns);
        if ((proof is null) != (_header?.Mode == ExportMode.Range))
            throw new InvalidOperationException("Entries of a selection have proofs, those of a range have none.");
        _entries++;
        return WriteAsync(
            new ExportLines.Line { Entry = new ExportLines.EntryLine(columns.Sequence, bytes, columns, proof) },
            cancellationToken);
    }

    /// <summary>In a range: the hash in the place of an entry whose bytes the reader may not have.</summary>
    public Task WriteLeafAsync(long sequence, byte[] leafHash, CancellationToken cancellationToken)
    {
        _entries++;
        return WriteAsync(
            new ExportLines.Line { Leaf = new ExportLines.LeafLine(sequence, leafHash) }, cancellationToken);
    }

    /// <summary>That the tree of the header's size begins with the tree of an earlier size.</summary>
    public Task WriteConsistencyAsync(long size, IReadOnlyList<byte[]> proof, CancellationToken cancellationToken) =>
        WriteAsync(new ExportLines.Line { Consistency = new ExportLines.ConsistencyLine(size, proof) },
            cancellationToken);

    /// <summary>The head of the header's size, and the end.</summary>
    public async Task WriteEndAsync(TreeHead head, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(head);
        if (_header?.Size != (long)head.Size)
            throw new InvalidOperationException("The head is not of the header's size.");
        await WriteAsync(new ExportLines.Line { Head = ExportLines.HeadLine.Of(head) }, cancellationToken);
        await WriteAsync(new ExportLines.Line { End = new ExportLines.EndLine(_entries) }, cancellationToken);
    }

    private async Task WriteAsync(ExportLines.Line line, CancellationToken cancellationToken)
    {
        await JsonSerializer.SerializeAsync(stream, line, ExportLines.Json, cancellationToken);
        await stream.WriteAsync(NewLine, cancellationToken);
    }
}
