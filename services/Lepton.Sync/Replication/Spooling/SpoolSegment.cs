using System.Buffers.Binary;
using System.Text;
using Lepton.ServiceDefaults;
using Lepton.Sync.Records;

namespace Lepton.Sync.Replication.Spooling;

/// <summary>
/// One file of the spool: a header (magic, length, CRC-32C, the position it begins after, the timeline), then entries.
/// </summary>
internal sealed class SpoolSegment : IDisposable
{
    private const uint Magic = 0x3150_534c; // "LSP1"
    private const int PrefixBytes = 12;
    private const int TimelineBytesMax = 1024;

    private SpoolSegment(long number, ISpoolFile file, string timeline, LogPosition start, int headerBytes)
    {
        (Number, File, Timeline, Start, End) = (number, file, timeline, start, start);
        HeaderBytes = headerBytes;
    }

    public long Number { get; }

    public ISpoolFile File { get; }

    public string Timeline { get; }

    public int HeaderBytes { get; }

    /// <summary>Its entries are after this.</summary>
    public LogPosition Start { get; }

    /// <summary>Its last entry's position; at first its start.</summary>
    public LogPosition End { get; set; }

    /// <summary>The last position in it that a reader may begin at.</summary>
    public LogPosition LastComplete { get; set; }

    /// <summary>Its first entry's number among all.</summary>
    public long FirstOrdinal { get; set; }

    /// <summary>How many entries it has.</summary>
    public long Count { get; set; }

    public static async Task<SpoolSegment> CreateAsync(
        ISpoolFiles files, long number, string timeline, LogPosition start, CancellationToken cancellationToken)
    {
        var payload = new byte[8 + Encoding.UTF8.GetByteCount(timeline)];
        BinaryPrimitives.WriteUInt64LittleEndian(payload, start.Value);
        Encoding.UTF8.GetBytes(timeline, payload.AsSpan(8));
        var header = new byte[PrefixBytes + payload.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(header, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), Crc32C.Of(payload));
        payload.CopyTo(header, PrefixBytes);
        var file = files.Create(number);
        try
        {
            await file.AppendAsync(header, cancellationToken);
            return new SpoolSegment(number, file, timeline, start, header.Length) { LastComplete = start };
        }
        catch
        {
            file.Dispose();
            files.Delete(number);
            throw;
        }
    }

    /// <summary>Reads a segment's header; null: it is none.</summary>
    public static async Task<SpoolSegment?> OpenAsync(
        ISpoolFiles files, long number, CancellationToken cancellationToken)
    {
        var file = files.Open(number);
        var prefix = new byte[PrefixBytes];
        if (await file.ReadAsync(0, prefix, cancellationToken) == PrefixBytes
            && BinaryPrimitives.ReadUInt32LittleEndian(prefix) == Magic
            && BinaryPrimitives.ReadInt32LittleEndian(prefix.AsSpan(4)) is > 8 and <= TimelineBytesMax and var length)
        {
            var payload = new byte[length];
            if (await file.ReadAsync(PrefixBytes, payload, cancellationToken) == length
                && Crc32C.Of(payload) == BinaryPrimitives.ReadUInt32LittleEndian(prefix.AsSpan(8)))
            {
                LogPosition start = new(BinaryPrimitives.ReadUInt64LittleEndian(payload));
                return new SpoolSegment(number, file, Encoding.UTF8.GetString(payload.AsSpan(8)), start,
                    PrefixBytes + length) { LastComplete = start };
            }
        }
        file.Dispose();
        return null;
    }

    /// <summary>Reads all of it: how it ends, and how much of it is whole.</summary>
    public async Task<(CursorState State, long WholeBytes)> ScanAsync(CancellationToken cancellationToken)
    {
        SpoolCursor cursor = new(File, HeaderBytes);
        while (true)
        {
            var (state, entry) = await cursor.NextAsync(cancellationToken);
            if (entry is null)
                return (state, cursor.Offset);
            Took(entry);
        }
    }

    public void Took(SpoolEntry entry)
    {
        Count++;
        End = entry.Position;
        if (entry.IsComplete)
            LastComplete = entry.Position;
    }

    public void Dispose() => File.Dispose();
}
