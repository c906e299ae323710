using System.Globalization;

namespace Lepton.Routing.Decisions;

/// <summary>
/// Append-only segment files, named by the time of their first record, bounded in bytes and age. One writer; readers
/// at any time. What a crash tore off the end of the last one is cut at the next start.
/// </summary>
internal sealed class SegmentStore : IDisposable
{
    private const string Suffix = ".decisions";

    private readonly string _directory;
    private readonly RoutingOptions _options;
    private readonly TimeProvider _time;
    private readonly Func<string, FileStream> _open;
    private FileStream? _current;
    private DateTimeOffset _started;

    /// <param name="open">Opens a segment to append to; tests give files that fail.</param>
    public SegmentStore(RoutingOptions options, TimeProvider time, Func<string, FileStream>? open = null)
    {
        (_directory, _options, _time) = (options.DecisionDirectory, options, time);
        _open = open ?? (path =>
            new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0));
        Directory.CreateDirectory(_directory);
        CutTornTail();
        DeleteOld();
    }

    /// <summary>Bytes cut from the last segment at the start.</summary>
    public long BytesCut { get; private set; }

    /// <summary>Appends whole records. On an error nothing of them stays.</summary>
    public void Append(ReadOnlySpan<byte> records)
    {
        if (_current is null || _current.Position + records.Length > _options.SegmentBytesMax
            || _time.GetUtcNow() - _started > TimeSpan.FromHours(1))
            Roll();
        FileStream current = _current ?? throw new IOException("no segment is open");
        long before = current.Position;
        try
        {
            current.Write(records);
        }
        catch (IOException)
        {
            Undo(current, before);
            throw;
        }
    }

    /// <summary>Waits until what was appended is on the disk.</summary>
    public void Flush() => _current?.Flush(flushToDisk: true);

    /// <summary>The last record of this id among segments that were written to between the two times.</summary>
    public V1.Decision? Find(string id, DateTimeOffset from, DateTimeOffset to)
    {
        List<(string Path, DateTimeOffset Start)> segments = Segments();
        for (int i = segments.Count - 1; i >= 0; i--)
        {
            bool after = segments[i].Start > to;
            bool before = i + 1 < segments.Count && segments[i + 1].Start < from;
            if (!after && !before && FindIn(segments[i].Path, id) is { } found)
                return found;
        }
        return null;
    }

    public void Dispose() => _current?.Dispose();

    private void Roll()
    {
        _current?.Flush(flushToDisk: true);
        _current?.Dispose();
        _current = null;
        _started = _time.GetUtcNow();
        // A second segment within a millisecond, or a clock set back: the next free name keeps the order.
        long name = _started.ToUnixTimeMilliseconds();
        if (Segments() is [.., var last] && last.Start.ToUnixTimeMilliseconds() >= name)
            name = last.Start.ToUnixTimeMilliseconds() + 1;
        _current = _open(Path.Combine(_directory, name.ToString("D16", CultureInfo.InvariantCulture) + Suffix));
        DeleteOld();
    }

    private void Undo(FileStream current, long length)
    {
        try
        {
            current.SetLength(length);
            current.Position = length;
        }
        catch (IOException)
        {
            // The tail stays torn: nothing may be appended behind it, and the next start cuts it.
            current.Dispose();
            _current = null;
        }
    }

    private void CutTornTail()
    {
        if (Segments() is not [.., var last])
            return;
        byte[] segment = File.ReadAllBytes(last.Path);
        int whole = SegmentFrame.WholeBytes(segment);
        BytesCut = segment.Length - whole;
        if (BytesCut == 0)
            return;
        using FileStream file = new(last.Path, FileMode.Open, FileAccess.Write);
        file.SetLength(whole);
        file.Flush(flushToDisk: true);
    }

    private void DeleteOld()
    {
        List<(string Path, DateTimeOffset Start)> segments = Segments();
        long bytes = segments.Sum(s => new FileInfo(s.Path).Length);
        DateTimeOffset oldest = _time.GetUtcNow() - _options.DecisionAgeMax;
        for (int i = 0; i < segments.Count - 1; i++) // never the last: it may be open
        {
            bool tooOld = segments[i + 1].Start < oldest; // its own last record is before that
            if (!tooOld && bytes <= _options.DecisionBytesMax - _options.SegmentBytesMax)
                return;
            bytes -= new FileInfo(segments[i].Path).Length;
            File.Delete(segments[i].Path);
        }
    }

    private List<(string Path, DateTimeOffset Start)> Segments()
    {
        List<(string Path, DateTimeOffset Start)> segments = [];
        foreach (string path in Directory.EnumerateFiles(_directory, "*" + Suffix))
            if (long.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture,
                out long ms))
                segments.Add((path, DateTimeOffset.FromUnixTimeMilliseconds(ms)));
        segments.Sort((a, b) => a.Start.CompareTo(b.Start));
        return segments;
    }

    private static V1.Decision? FindIn(string path, string id)
    {
        byte[] segment;
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            segment = new byte[file.Length];
            file.ReadExactly(segment);
        }
        catch (Exception e) when (e is FileNotFoundException or EndOfStreamException)
        {
            return null; // deleted for its age, or cut, while we looked
        }
        V1.Decision? found = null;
        ReadOnlySpan<byte> rest = segment;
        ReadOnlySpan<byte> wanted = System.Text.Encoding.UTF8.GetBytes(id);
        while (SegmentFrame.TryRead(rest, out ReadOnlySpan<byte> payload))
        {
            // The id is the record's first field: a look at its bytes spares parsing all the others.
            if (payload.Length > wanted.Length + 2 && payload.Slice(2, wanted.Length).SequenceEqual(wanted)
                && V1.Decision.Parser.ParseFrom(payload) is { } decision && decision.Id == id)
                found = decision;
            rest = rest[(SegmentFrame.HeaderBytes + payload.Length)..];
        }
        return found;
    }
}
