using System.Globalization;

namespace Lepton.Routing.Decisions;

/// <summary>
/// Append-only segment files, named by the time of their first record, bounded in bytes and age. One writer; readers
/// at any time. What a crash tore off the end of the last one is cut at the next start. Closed ones are sealed by
/// <see cref="SegmentSealer"/>.
/// </summary>
internal sealed class SegmentStore : IDisposable
{
    private readonly string _directory;
    private readonly RoutingOptions _options;
    private readonly TimeProvider _time;
    private readonly Func<string, FileStream> _make;
    private FileStream? _current;
    private DateTimeOffset _started;
    private string _open = "";

    /// <param name="open">Opens a segment to append to; tests give files that fail.</param>
    public SegmentStore(RoutingOptions options, TimeProvider time, Func<string, FileStream>? open = null)
    {
        (_directory, _options, _time) = (options.DecisionDirectory, options, time);
        _make = open ?? (path =>
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
    public V1.Decision? Find(string id, DateTimeOffset from, DateTimeOffset to) => Find(id, from, to, out _);

    /// <summary>The same, and the segment that has it.</summary>
    public V1.Decision? Find(string id, DateTimeOffset from, DateTimeOffset to, out SegmentFile? segment)
    {
        List<SegmentFile> segments = SegmentFile.All(_directory);
        for (int i = segments.Count - 1; i >= 0; i--)
        {
            bool after = segments[i].Start > to;
            bool before = i + 1 < segments.Count && segments[i + 1].Start < from;
            segment = segments[i];
            if (!after && !before && FindIn(segment, id) is { } found)
                return found;
        }
        segment = null;
        return null;
    }

    /// <summary>Segments that nothing is appended to any more, by age.</summary>
    public IReadOnlyList<SegmentFile> Closed() =>
        [.. SegmentFile.All(_directory).Where(segment => !IsOpen(segment))];

    /// <summary>It is still written to.</summary>
    public bool IsOpen(SegmentFile segment) => segment.Name == Volatile.Read(ref _open);

    public void Dispose() => _current?.Dispose();

    private void Roll()
    {
        _current?.Flush(flushToDisk: true);
        _current?.Dispose();
        _current = null;
        _started = _time.GetUtcNow();
        // A second segment within a millisecond, or a clock set back: the next free name keeps the order.
        long number = _started.ToUnixTimeMilliseconds();
        if (SegmentFile.All(_directory) is [.., var last] && last.Start.ToUnixTimeMilliseconds() >= number)
            number = last.Start.ToUnixTimeMilliseconds() + 1;
        SegmentFile next = new(_directory, number.ToString("D16", CultureInfo.InvariantCulture));
        Volatile.Write(ref _open, next.Name); // before it is there: nobody may take it for a closed one
        _current = _make(next.PlainPath);
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
            // The tail stays torn: nothing may be appended behind it, and readers end before it.
            current.Dispose();
            _current = null;
        }
    }

    private void CutTornTail()
    {
        if (SegmentFile.All(_directory) is not [.., var last] || !File.Exists(last.PlainPath))
            return;
        byte[] segment = File.ReadAllBytes(last.PlainPath);
        int whole = SegmentFrame.WholeBytes(segment);
        BytesCut = segment.Length - whole;
        if (BytesCut == 0)
            return;
        using FileStream file = new(last.PlainPath, FileMode.Open, FileAccess.Write);
        file.SetLength(whole);
        file.Flush(flushToDisk: true);
    }

    private void DeleteOld()
    {
        List<SegmentFile> segments = SegmentFile.All(_directory);
        long bytes = segments.Sum(s => s.Bytes);
        DateTimeOffset oldest = _time.GetUtcNow() - _options.DecisionAgeMax;
        for (int i = 0; i < segments.Count - 1; i++) // never the last: it may be open
        {
            bool tooOld = segments[i + 1].Start < oldest; // its own last record is before that
            if (!tooOld && bytes <= _options.DecisionBytesMax - _options.SegmentBytesMax)
                return;
            bytes -= segments[i].Bytes;
            segments[i].Delete();
        }
    }

    // One that was damaged must not hide what others have; its proof says what happened to it.
    private static byte[]? ReadOrNothing(SegmentFile file)
    {
        try
        {
            return file.Read();
        }
        catch (Exception e) when (e is InvalidDataException or InvalidOperationException)
        {
            return null;
        }
    }

    private static V1.Decision? FindIn(SegmentFile file, string id)
    {
        if (ReadOrNothing(file) is not { } segment)
            return null;
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
