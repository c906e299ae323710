using System.Globalization;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Client.Audit;

/// <summary>
/// The spool's files: append-only segments. One process, one writer, one reader. Each start begins a new segment: what
/// a crash tore off the end of the last one is cut.
/// </summary>
internal sealed class SpoolFiles : IDisposable
{
    private const string Suffix = ".audit";

    private readonly Lock _gate = new();
    private readonly List<SpoolSegment> _segments = [];
    private readonly string _directory;
    private readonly long _segmentBytesMax;
    private readonly Func<string, FileStream> _open;
    private readonly FileStream _owner;
    private FileStream? _file;
    private SpoolSegment? _current;
    private volatile bool _mayRoll;
    private long _next = 1;
    private long _bytes;

    /// <param name="directory">Made where it is missing.</param>
    /// <param name="segmentBytesMax">A file's bytes; one group may go beyond them.</param>
    /// <param name="open">Makes a segment to append to; tests give files that fail.</param>
    /// <exception cref="IOException">The folder cannot be used, or another process has it.</exception>
    public SpoolFiles(string directory, long segmentBytesMax, Func<string, FileStream>? open = null)
    {
        (_directory, _segmentBytesMax) = (directory, segmentBytesMax);
        _open = open ?? (path =>
            new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0));
        _owner = Own(directory);
        Load();
    }

    public static SpoolFiles Open(AuditOptions options) => new(options.SpoolDirectory, options.SegmentBytesMax);

    /// <summary>Bytes of all segments.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Events that the log has not answered for.</summary>
    public long Events
    {
        get
        {
            lock (_gate)
                return _segments.Sum(s => s.Events - s.EventsSent);
        }
    }

    /// <summary>Bytes cut from the ends of segments at the start.</summary>
    public long BytesCut { get; private set; }

    /// <summary>Appends whole frames and returns when they are on the disk. On an error none of them counts.</summary>
    public void Append(ReadOnlySpan<byte> frames, int events)
    {
        if (_file is null || _current is null || _mayRoll || _current.Bytes + frames.Length > _segmentBytesMax)
            Roll();
        if (_file is not { } file || _current is not { } current)
            throw new IOException("No segment is open.");
        try
        {
            file.Write(frames);
            file.Flush(flushToDisk: true);
        }
        catch (IOException)
        {
            // A flush that failed may have thrown the pages away and will not fail again: the file is not gone on with,
            // and what is behind its known end is cut.
            Abandon(file, current);
            throw;
        }
        lock (_gate)
        {
            current.Bytes += frames.Length;
            current.Events += events;
            _bytes += frames.Length;
        }
    }

    /// <summary>Up to so many events behind a position.</summary>
    public SpoolRead Read(SpoolPosition from, int eventsMax, int bytesMax)
    {
        long damaged = 0;
        while (true)
        {
            (SpoolSegment Segment, long Offset, long Bytes, bool Closed)? at = Find(from);
            if (at is not { } here)
                return new SpoolRead([], from, damaged);
            byte[] bytes = ReadBytes(here.Segment.Path, here.Offset, here.Bytes - here.Offset, bytesMax);
            List<byte[]> payloads = [];
            int used = Take(bytes, payloads, eventsMax);
            SpoolPosition end = new(here.Segment.Number, here.Offset + used);
            if (payloads.Count > 0)
                return new SpoolRead(payloads, end, damaged);
            if (used == 0 && bytes.Length > 0)
            {
                // Not a whole frame where one must be: the rest of this segment cannot be read.
                damaged += here.Bytes - here.Offset;
                end = new SpoolPosition(here.Segment.Number, here.Bytes);
            }
            else if (used == 0 && !here.Closed)
            {
                return new SpoolRead([], end, damaged);
            }
            from = end.Offset < here.Bytes || !here.Closed ? end : new SpoolPosition(here.Segment.Number + 1, 0);
        }
    }

    /// <summary>The log has so many events up to this position: whole segments before it are deleted.</summary>
    public void Acknowledge(SpoolPosition to, int events)
    {
        lock (_gate)
        {
            foreach (SpoolSegment segment in _segments.Where(s => s.Number == to.Segment))
            {
                segment.EventsSent = Math.Min(segment.Events, segment.EventsSent + events);
                // All of it is sent: the next event begins a new one, and this one can go.
                if (!segment.Closed && to.Offset == segment.Bytes && segment.Bytes > _segmentBytesMax / 4)
                    _mayRoll = true;
            }
            while (_segments is [{ Closed: true } first, ..]
                && (first.Number < to.Segment || (first.Number == to.Segment && to.Offset >= first.Bytes)))
                Delete(first);
        }
    }

    /// <summary>Deletes the oldest closed segment. The events lost with it; null: there is none.</summary>
    public long? DeleteOldest()
    {
        lock (_gate)
        {
            if (_segments is not [{ Closed: true } first, ..])
                return null;
            Delete(first);
            return first.Events - first.EventsSent;
        }
    }

    /// <summary>Everything that is there, oldest first, for people and tests.</summary>
    public IReadOnlyList<AuditEvent> ReadAll()
    {
        List<AuditEvent> all = [];
        SpoolPosition at = default;
        while (Read(at, 1_000, 1 << 20) is { Payloads.Count: > 0 } read)
        {
            all.AddRange(read.Payloads.Select(p => AuditEvent.Parser.ParseFrom(p)));
            at = read.End;
        }
        return all;
    }

    /// <summary>The next append begins a new segment.</summary>
    public void RollNext() => _mayRoll = true;

    public void Dispose()
    {
        _file?.Dispose();
        _owner.Dispose();
    }

    private static FileStream Own(string directory)
    {
        string path = Path.Combine(directory, "owner");
        try
        {
            Directory.CreateDirectory(directory);
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"Audit:SpoolDirectory takes a folder of this process's own that can be written; {directory}: "
                + e.Message, e);
        }
    }

    private void Load()
    {
        foreach (string path in Directory.EnumerateFiles(_directory, "*" + Suffix).Order(StringComparer.Ordinal))
        {
            if (!long.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None,
                CultureInfo.InvariantCulture, out long number))
                continue;
            byte[] bytes = File.ReadAllBytes(path);
            List<byte[]> payloads = [];
            int whole = Take(bytes, payloads, int.MaxValue);
            // Frames behind a damaged one are left where they are: the reader tells of them.
            bool torn = whole < bytes.Length && IsLast(path);
            if (torn)
            {
                Cut(path, whole);
                BytesCut += bytes.Length - whole;
            }
            _next = number + 1;
            _segments.Add(new SpoolSegment(number, path)
            {
                Bytes = torn ? whole : bytes.Length, Events = payloads.Count, Closed = true,
            });
            _bytes += torn ? whole : bytes.Length;
        }
    }

    private bool IsLast(string path) => path == Directory.EnumerateFiles(_directory, "*" + Suffix).Max(
        StringComparer.Ordinal);

    private void Roll()
    {
        _file?.Dispose();
        _file = null;
        lock (_gate)
        {
            if (_current is not null)
                _current.Closed = true;
            _current = null;
            _mayRoll = false;
        }
        long number = _next++; // never twice, whatever fails below
        string path = Path.Combine(_directory, number.ToString("D16", CultureInfo.InvariantCulture) + Suffix);
        _file = _open(path);
        DurableFolder.Flush(_directory);
        SpoolSegment segment = new(number, path);
        lock (_gate)
        {
            _current = segment;
            _segments.Add(segment);
        }
    }

    private void Abandon(FileStream file, SpoolSegment current)
    {
        try
        {
            file.SetLength(current.Bytes);
        }
        catch (IOException)
        {
            // The tail stays: readers end before it.
        }
        file.Dispose();
        _file = null;
        lock (_gate)
        {
            current.Closed = true;
            _current = null;
            if (current.Bytes == 0)
                Delete(current); // a disk that fails for long must leave no heap of empty files
        }
    }

    private (SpoolSegment, long Offset, long Bytes, bool Closed)? Find(SpoolPosition from)
    {
        lock (_gate)
            return _segments.Find(s => s.Number >= from.Segment) is { } segment
                ? (segment, segment.Number == from.Segment ? from.Offset : 0, segment.Bytes, segment.Closed)
                : null;
    }

    private static byte[] ReadBytes(string path, long offset, long available, int bytesMax)
    {
        byte[] bytes = new byte[(int)Math.Min(available, Math.Max(bytesMax, SpoolFrame.PayloadBytesMax * 2))];
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
        file.Position = offset;
        file.ReadExactly(bytes);
        return bytes;
    }

    private static int Take(ReadOnlySpan<byte> bytes, List<byte[]> payloads, int eventsMax)
    {
        int used = 0;
        while (payloads.Count < eventsMax && SpoolFrame.TryRead(bytes[used..], out ReadOnlySpan<byte> payload))
        {
            if (payload.Length > 0)
                payloads.Add(payload.ToArray());
            used += SpoolFrame.HeaderBytes + payload.Length;
        }
        return used;
    }

    private static void Cut(string path, long bytes)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Write);
        file.SetLength(bytes);
        file.Flush(flushToDisk: true);
    }

    private void Delete(SpoolSegment segment)
    {
        File.Delete(segment.Path);
        _segments.Remove(segment);
        _bytes -= segment.Bytes;
    }
}
