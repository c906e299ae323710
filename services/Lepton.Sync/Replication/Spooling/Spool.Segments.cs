using System.Buffers;
using Lepton.Sync.Records;

namespace Lepton.Sync.Replication.Spooling;

/// <content>Writing segments, giving them up, and where an entry is.</content>
internal sealed partial class Spool
{
    /// <summary>Where an entry is: in memory, in a segment, not there yet, or given up.</summary>
    internal readonly record struct Place(SpoolEntry? Entry, SpoolSegment? Segment, bool IsLost);

    internal Place Locate(long era, long ordinal)
    {
        lock (_state)
        {
            if (era != _era)
                return new Place(null, null, true);
            if (_tail.Find(ordinal) is { } entry)
                return new Place(entry, null, false);
            if (ordinal >= _tail.Next)
                return default;
            var segment = _segments.FindLast(s => s.FirstOrdinal <= ordinal);
            return new Place(null, segment, segment is null);
        }
    }

    /// <summary>A reader found a segment damaged: it is given up, with all before it.</summary>
    internal void ReportDamage(SpoolSegment segment)
    {
        lock (_state)
        {
            var at = _segments.IndexOf(segment);
            if (at < 0)
                return;
            LogDamaged(segment.Number);
            for (; at >= 0; at--)
                GiveUp(0);
        }
        Changed.Set();
    }

    private async Task WriteAsync(List<SpoolEntry> batch, CancellationToken cancellationToken)
    {
        var at = 0;
        while (at < batch.Count)
        {
            SpoolSegment segment = await WritableAsync(batch[at].Size, cancellationToken);
            _buffer.ResetWrittenCount();
            List<SpoolEntry> taken = [];
            while (at < batch.Count && (taken.Count == 0
                || segment.File.Length + _buffer.WrittenCount + batch[at].Size <= _options.SegmentBytesMax))
            {
                batch[at].Write(_buffer);
                taken.Add(batch[at++]);
            }
            await segment.File.AppendAsync(_buffer.WrittenMemory, cancellationToken);
            await segment.File.FlushAsync(cancellationToken);
            lock (_state)
            {
                if (!_segments.Contains(segment))
                    throw new IOException($"Segment {segment.Number} was given up while it was written.");
                taken.ForEach(segment.Took);
                _writtenTo += taken.Count;
                _unwrittenBytes -= taken.Sum(e => e.Size);
            }
        }
    }

    private async Task<SpoolSegment> WritableAsync(int bytes, CancellationToken cancellationToken)
    {
        SpoolSegment? last;
        lock (_state)
            last = _segments.LastOrDefault();
        if (last is not null && (last.Count == 0 || last.File.Length + bytes <= _options.SegmentBytesMax))
            return last;
        var start = last?.End ?? _start;
        var number = (_files.List() is [.., var greatest] ? greatest : 0) + 1;
        var segment = await SpoolSegment.CreateAsync(_files, number, Timeline, start, cancellationToken);
        lock (_state)
        {
            segment.FirstOrdinal = _writtenTo;
            _segments.Add(segment);
            var bytesMax = _options.SpoolBytesMax - _options.SegmentBytesMax;
            while (_segments.Count > 1 && _segments.Sum(s => s.File.Length) > bytesMax)
            {
                if (_segments[0].End > _acknowledged)
                {
                    LogOverBound(_segments[0].Number, _options.SpoolBytesMax);
                    _metrics.SpoolCut.Add(_segments[0].File.Length);
                }
                GiveUp(0);
            }
        }
        return segment;
    }

    private LogPosition? Wrote()
    {
        LogPosition? durable;
        lock (_state)
        {
            durable = _segments is [.., var last] ? last.LastComplete : null;
            while (_tail.Bytes > _options.SpoolMemoryBytesMax && _tail.First < _writtenTo)
                _tail.DropFirst();
        }
        _written.Set();
        return durable;
    }

    private void GiveUpAll()
    {
        while (_segments.Count > 0)
            GiveUp(0);
    }

    // Who reads it finds its file closed, asks where the entry is, and hears that it is lost.
    private void GiveUp(int at)
    {
        var segment = _segments[at];
        _segments.RemoveAt(at);
        // Not its last whole transaction: pieces of the next one may be in it.
        if (segment.End > _start)
            _start = segment.End;
        segment.Dispose();
        _files.Delete(segment.Number);
    }

    [LoggerMessage(LogLevel.Error, "Segment {Number} of the spool: {Bytes} bytes at its end are cut: {State}")]
    private partial void LogCut(long number, long bytes, CursorState state);

    [LoggerMessage(LogLevel.Error,
        "Segment {Number} of the spool is damaged and given up with all before it: who needs it copies")]
    private partial void LogDamaged(long number);

    [LoggerMessage(LogLevel.Error,
        "Segment {Number} of the spool is given up before everybody has it, at {BytesMax} bytes: who needs it copies")]
    private partial void LogOverBound(long number, long bytesMax);

    [LoggerMessage(LogLevel.Warning,
        "The spool begins anew: it was at {Timeline} {Position}, the log is at {NewTimeline} {NewPosition}")]
    private partial void LogReset(string timeline, ulong position, string newTimeline, ulong newPosition);
}
