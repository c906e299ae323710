using System.Buffers;
using System.Runtime.CompilerServices;
using Lepton.ServiceDefaults;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Spooling;

namespace Lepton.Sync.Replication.Source;

/// <summary>
/// One receiver's stream: what concerns it of the spool, in order, in frames, no more unacknowledged than the bound.
/// </summary>
internal sealed class SourceStream(
    SyncNode receiver, SpoolReader reader, string timeline, LogPosition from, ITopologySource topology,
    ReplicationOptions options, ReplicationMetrics metrics, TimeProvider time)
{
    private static readonly TimeSpan FrameWait = TimeSpan.FromMilliseconds(5);

    private readonly Queue<(LogPosition Position, int Bytes)> _unacknowledged = new();
    private readonly AsyncSignal _moved = new();
    private readonly Lock _state = new();
    private readonly ArrayBufferWriter<byte> _frame = new();
    private int _frameRecords;
    private long _unacknowledgedBytes;
    private LogPosition _read;
    private long _frameSince;
    private DateTimeOffset? _readTime;
    private bool _isWithin;
    private volatile bool _superseded;

    public SyncNode Receiver => receiver;

    public string Timeline => timeline;

    /// <summary>Another stream of the receiver's has begun: this one ends.</summary>
    public void Supersede()
    {
        _superseded = true;
        _moved.Set();
    }

    /// <summary>The receiver took everything to here: more may be sent.</summary>
    public void Acknowledge(LogPosition position)
    {
        lock (_state)
            while (_unacknowledged.TryPeek(out var first) && first.Position <= position)
                _unacknowledgedBytes -= _unacknowledged.Dequeue().Bytes;
        _moved.Set();
    }

    /// <summary>Everything there is to say, until it is cancelled, lost or superseded.</summary>
    public async IAsyncEnumerable<SourceMessage> ReadAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        _read = from;
        yield return new SourceBegin(topology.Current.Epoch, from, timeline);
        var spoke = time.GetTimestamp();
        while (!_superseded)
        {
            var (more, moved) = (reader.Next, _moved.Next);
            var entry = IsFull ? null : await reader.TryReadAsync(cancellationToken);
            if (reader.IsLost)
            {
                yield return new SourceEnd(topology.Current.Epoch, StreamEnd.PositionLost);
                yield break;
            }
            if (entry is not null)
            {
                foreach (var row in Concerning(entry))
                {
                    if (_frameRecords > 0 && IsFrameFull(row.Wire.Length))
                        yield return Frame(ref spoke);
                    Add(row);
                }
                Passed(entry);
            }
            // A frame waits for company while there is some at once, and not for long.
            if (_frameRecords > 0 && (entry is null || time.GetElapsedTime(_frameSince) > FrameWait))
                yield return Frame(ref spoke);
            var silent = time.GetElapsedTime(spoke);
            if (_frameRecords == 0 && silent >= options.HeartbeatInterval)
            {
                spoke = time.GetTimestamp();
                yield return new SourceBeat(topology.Current.Epoch, _read, _readTime);
            }
            else if (entry is null)
                await AsyncSignal.WaitAnyAsync(
                    more, moved, options.HeartbeatInterval - silent, time, cancellationToken);
        }
        yield return new SourceEnd(topology.Current.Epoch, StreamEnd.Superseded);
    }

    // Within a transaction the receiver has no position to acknowledge: there the stream's own flow control bounds it.
    private bool IsFull
    {
        get
        {
            lock (_state)
                return !_isWithin && _unacknowledgedBytes >= options.UnacknowledgedBytesMax;
        }
    }

    /// <summary>S6: only what the receiver's region may hold, in slots that it holds and we are home of.</summary>
    private IEnumerable<SpoolRow> Concerning(SpoolEntry entry)
    {
        var map = topology.Current;
        foreach (var row in entry.Rows)
            if (row.Class.Value >= 0 && row.Class.Value < map.Classes.Count 
                && topology.MayHold(map[row.Class], receiver.Region)
                && map.MapOf(row.Class).Home(row.Slot) == topology.Self.Id
                && map.MapOf(row.Class).Holds(receiver.Id, row.Slot))
                yield return row;
    }

    private void Passed(SpoolEntry entry)
    {
        _isWithin = !entry.IsComplete;
        if (!entry.IsComplete)
            return;
        _read = entry.Position;
        if (entry.IsMark && entry.Time is { } marked)
            _readTime = marked;
    }

    private bool IsFrameFull(int more) => _frameRecords >= options.FrameRecordsMax
        || _frame.WrittenCount + more > options.FrameBytesMax;

    private void Add(SpoolRow row)
    {
        if (_frameRecords++ == 0)
            _frameSince = time.GetTimestamp();
        _frame.Write(row.Wire.Span);
    }

    private SourceFrame Frame(ref long spoke)
    {
        spoke = time.GetTimestamp();
        // Others may still read what is sent: the frame is its own copy.
        var batch = _frame.WrittenSpan.ToArray();
        metrics.Sent.Add(_frameRecords);
        metrics.SentBytes.Add(batch.Length);
        _frame.ResetWrittenCount();
        _frameRecords = 0;
        lock (_state)
        {
            _unacknowledged.Enqueue((_read, batch.Length));
            _unacknowledgedBytes += batch.Length;
        }
        return new SourceFrame(topology.Current.Epoch, _read, _readTime, batch, Crc32C.Of(batch));
    }
}
