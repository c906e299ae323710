using System.Buffers;
using Lepton.Sync.Records;
using Lepton.Sync.Waiting;

namespace Lepton.Sync.Replication.Spooling;

/// <summary>
/// The decoded log of this node: decoded once, read by every stream. It keeps rows of every slot, not only of those
/// that this node is home of: who is home may change between commit and sending, and local watches follow replicas too.
/// Entries can be read as soon as they are here; the database may forget them when they are on the disk as well.
/// </summary>
internal sealed partial class Spool : IDisposable
{
    private const int WriteBytesMax = 4 << 20;
    private const int FlushBytesDue = 1 << 20;

    private readonly ISpoolFiles _files;
    private readonly ReplicationOptions _options;
    private readonly ReplicationMetrics _metrics;
    private readonly ILogger<Spool> _logger;
    private readonly Lock _state = new();
    private readonly AsyncGate _writing = new();
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly SpoolTail _tail = new();
    private readonly List<SpoolSegment> _segments = [];
    private readonly AsyncSignal _written = new();
    private long _writtenTo;
    private long _unwrittenBytes;
    private long _era;
    private LogPosition _end;
    private LogPosition _logEnd;
    private LogPosition _start;
    private LogPosition _acknowledged;

    public Spool(
        ISpoolFiles files, ReplicationOptions options, ReplicationMetrics metrics, ILogger<Spool> logger)
    {
        (_files, _options, _metrics, _logger) = (files, options, metrics, logger);
        metrics.WatchSpool(() => Bytes);
    }

    /// <summary>What positions count in; empty: nothing was ever captured.</summary>
    public string Timeline { get; private set; } = "";

    /// <summary>Capture has said where the log is: before, nobody can tell whether a position is still good.</summary>
    public bool IsReady { get; private set; }

    /// <summary>Whoever has everything to here can be given the rest.</summary>
    public LogPosition Start
    {
        get
        {
            lock (_state)
                return _start;
        }
    }

    /// <summary>The last transaction's end.</summary>
    public LogPosition End
    {
        get
        {
            lock (_state)
                return _end;
        }
    }

    /// <summary>On the disk.</summary>
    public long Bytes
    {
        get
        {
            lock (_state)
                return _segments.Sum(s => s.File.Length);
        }
    }

    /// <summary>More waits for the disk than one flush should take: the next one is due at once.</summary>
    public bool IsFlushDue
    {
        get
        {
            lock (_state)
                return _unwrittenBytes >= FlushBytesDue;
        }
    }

    /// <summary>Something was appended, or given up.</summary>
    public AsyncSignal Changed { get; } = new();

    /// <summary>Something is to be written.</summary>
    public AsyncSignal Unwritten { get; } = new();

    /// <summary>
    /// Reads what is there. What a crash tore off the end is cut; a damaged segment is given up with all before it.
    /// </summary>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        var numbers = _files.List();
        long ordinal = 0;
        for (var i = 0; i < numbers.Count; i++)
        {
            var isLast = i == numbers.Count - 1;
            var segment = await SpoolSegment.OpenAsync(_files, numbers[i], cancellationToken);
            if (segment is null)
            {
                GiveUpAll();
                _files.Delete(numbers[i]);
                continue;
            }
            if (_segments is [.., var before] && (before.Timeline != segment.Timeline || before.End != segment.Start))
                GiveUpAll();
            var (state, whole) = await segment.ScanAsync(cancellationToken);
            var cut = segment.File.Length - whole;
            segment.FirstOrdinal = ordinal;
            ordinal += segment.Count;
            if (state != CursorState.End)
            {
                LogCut(segment.Number, cut, state);
                _metrics.SpoolCut.Add(cut);
                // At the very end the log still has what is cut, or who opens the spool next sees the gap.
                segment.File.Cut(whole);
                if (!isLast)
                {
                    _segments.Add(segment);
                    GiveUpAll();
                    continue;
                }
            }
            _segments.Add(segment);
        }
        lock (_state)
        {
            _tail.Clear(ordinal);
            _writtenTo = ordinal;
            if (_segments is [var first, .., var last])
                (_start, _end, Timeline) = (first.Start, last.LastComplete, last.Timeline);
            else if (_segments is [var only])
                (_start, _end, Timeline) = (only.Start, only.LastComplete, only.Timeline);
        }
    }

    /// <summary>
    /// Capture begins: on another timeline, or with a gap after what is here, everything is given up. True: it was.
    /// </summary>
    public async Task<bool> BeginAsync(CaptureBegun begun, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            lock (_state)
            {
                (_logEnd, IsReady) = (begun.LogEnd, true);
                if (begun.Timeline == Timeline && begun.Position <= _end)
                    return false;
                if (Timeline.Length > 0)
                    LogReset(Timeline, _end.Value, begun.Timeline, begun.Position.Value);
                GiveUpAll();
                _tail.Clear(_tail.Next);
                (_writtenTo, _unwrittenBytes) = (_tail.Next, 0);
                _era++;
                (Timeline, _start, _end) = (begun.Timeline, begun.Position, begun.Position);
                _acknowledged = default;
            }
        }
        finally
        {
            _writing.Release();
        }
        Changed.Set();
        _written.Set();
        return true;
    }

    /// <summary>
    /// Takes an entry; one that is here already is passed over. Waits while more than
    /// <see cref="ReplicationOptions.SpoolMemoryBytesMax"/> is not yet on the disk.
    /// </summary>
    public async ValueTask AppendAsync(SpoolEntry entry, CancellationToken cancellationToken)
    {
        while (true)
        {
            var written = _written.Next;
            lock (_state)
            {
                if (entry.Position <= _end)
                    return;
                if (_unwrittenBytes == 0 || _unwrittenBytes + entry.Size <= _options.SpoolMemoryBytesMax)
                {
                    _tail.Add(entry);
                    _unwrittenBytes += entry.Size;
                    if (entry.IsComplete)
                        _end = entry.Position;
                    break;
                }
            }
            await written.WaitAsync(cancellationToken);
        }
        Changed.Set();
        Unwritten.Set();
    }

    /// <summary>
    /// Puts what is only in memory on the disk, a few MiB at most. The last whole transaction's position that is there;
    /// null: there was nothing to do.
    /// </summary>
    /// <exception cref="IOException">The disk is full or broken; nothing is lost, call again.</exception>
    public async Task<LogPosition?> FlushAsync(CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            List<SpoolEntry> batch = [];
            lock (_state)
                for (long at = _writtenTo, bytes = 0; bytes < WriteBytesMax && _tail.Find(at) is { } entry; at++)
                {
                    batch.Add(entry);
                    bytes += entry.Size;
                }
            if (batch.Count == 0)
                return null;
            await WriteAsync(batch, cancellationToken);
            return Wrote();
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>A reader of what is after a position; null: that is not (or no more) to be had.</summary>
    public SpoolReader? OpenReader(string timeline, LogPosition after)
    {
        lock (_state)
        {
            var known = _logEnd > _end ? _logEnd : _end;
            if (timeline != Timeline || timeline.Length == 0 || after < _start || after > known)
                return null;
            var ordinal = _tail.Next;
            while (_tail.Find(ordinal - 1) is { } entry && entry.Position > after)
                ordinal--;
            if (ordinal == _tail.First && _segments.Find(s => s.End > after) is { } segment)
                ordinal = Math.Min(ordinal, segment.FirstOrdinal);
            return new SpoolReader(this, _era, ordinal, after);
        }
    }

    /// <summary>Everybody has everything to here.</summary>
    public void Trim(LogPosition acknowledged)
    {
        lock (_state)
        {
            _acknowledged = acknowledged > _acknowledged ? acknowledged : _acknowledged;
            while (_segments.Count > 1 && _segments[0].End <= _acknowledged)
                GiveUp(0);
        }
    }

    public void Dispose()
    {
        foreach (var segment in _segments)
            segment.Dispose();
    }
}
