using System.Threading.Channels;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Storage;
using Lepton.Sync.Waiting;

namespace Lepton.Sync.Replication.Receiver;

/// <summary>
/// One life of a stream: reads messages ahead of applying them, commits several frames at once with how far that is,
/// and acknowledges only what is committed.
/// </summary>
internal sealed class StreamApplier(
    SyncNode source, IReplicationPeer peer, IReplicationStream stream, RowIntake intake, SourceProgress begun,
    ReceiverParts parts)
{
    private readonly Channel<SourceMessage> _messages = Channel.CreateBounded<SourceMessage>(
        new BoundedChannelOptions(parts.Options.FramesWaitingMax) { SingleReader = true, SingleWriter = true });

    private readonly AsyncGate _gate = new();
    private readonly List<StoredRecord> _rows = [];
    private LogPosition _position = begun.Position;
    private LogPosition _saved = begun.Position;
    private LogPosition _acknowledged;
    private DateTimeOffset? _time;
    private long _savedAt = parts.Time.GetTimestamp();
    private long _wholeEpoch;
    private long _toldEpoch = -1;
    private bool _isWithin;

    /// <summary>Reads the stream until it ends.</summary>
    public async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var message = await stream.ReadAsync(cancellationToken)
                .WaitAsync(parts.Options.SilenceMax, parts.Time, cancellationToken);
            if (message is null or SourceEnd)
                throw new IOException($"{source.Name} ended the stream: {(message as SourceEnd)?.Reason}.");
            parts.Lag.Heard(source.Id);
            parts.Lag.Received(source.Id, begun.Timeline, message.Position);
            await _messages.Writer.WriteAsync(message, cancellationToken);
        }
    }

    /// <summary>Applies what was read.</summary>
    public async Task ApplyAsync(Retry retry, CancellationToken cancellationToken)
    {
        using (await EnterAsync(cancellationToken))
            await AcknowledgeAsync(_saved, cancellationToken);
        while (await _messages.Reader.WaitToReadAsync(cancellationToken))
        {
            using (await EnterAsync(cancellationToken))
            {
                while (_rows.Count < parts.Options.ApplyRecordsMax && _messages.Reader.TryRead(out var message))
                    await TakeAsync(message, cancellationToken);
                await SaveAsync(cancellationToken);
            }
            retry.Reset();
        }
    }

    /// <summary>Keeps the stream from being applied, until it is disposed of.</summary>
    public async Task<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        return new Turn(_gate);
    }

    /// <summary>Rows that were copied: committed without moving on. Only after <see cref="EnterAsync"/>.</summary>
    public async Task ApplyCopiedAsync(IReadOnlyList<StoredRecord> rows, CancellationToken cancellationToken)
    {
        await intake.EnsureKeysAsync(rows, peer, cancellationToken);
        await CommitAsync(_saved, rows, "copy", cancellationToken);
    }

    /// <summary>Every slot of the source is whole, by the map of this epoch.</summary>
    public async Task WholeAsync(long epoch, CancellationToken cancellationToken)
    {
        using (await EnterAsync(cancellationToken))
        {
            _wholeEpoch = epoch;
            await AcknowledgeAsync(_saved, cancellationToken);
        }
    }

    private async Task TakeAsync(SourceMessage message, CancellationToken cancellationToken)
    {
        // What is sent by a newer map is judged by that map.
        if (message.Epoch > parts.Topology.Current.Epoch)
            await parts.Topology.RefreshAsync(cancellationToken);
        if (message is SourceFrame frame)
        {
            try
            {
                _rows.AddRange(intake.Take(frame.Batch, frame.Crc, frame.Epoch, isCopy: false));
            }
            catch (IntakeException)
            {
                await SaveAsync(cancellationToken); // what came whole before it
                throw;
            }
        }
        if (message.Position > _position)
            _position = message.Position;
        _time = message.SourceTime ?? _time;
    }

    private async Task SaveAsync(CancellationToken cancellationToken)
    {
        // A place alone is written down now and then: nothing is lost by reading on from an earlier one.
        var isDue = _position > _saved
            && (_isWithin || parts.Time.GetElapsedTime(_savedAt) >= parts.Options.IdleProgressInterval);
        if (_rows.Count > 0 || isDue)
        {
            // Rows of a transaction whose end is still to come: the source waits to hear of that.
            _isWithin = _rows.Count > 0 && _position == _saved;
            await intake.EnsureKeysAsync(_rows, peer, cancellationToken);
            await CommitAsync(_position, _rows, "stream", cancellationToken);
            (_saved, _savedAt) = (_position, parts.Time.GetTimestamp());
            _rows.Clear();
        }
        parts.Lag.Applied(source.Id, begun.Timeline, _position, _time);
        if (_saved > _acknowledged || _toldEpoch != WholeEpoch)
            await AcknowledgeAsync(_saved, cancellationToken);
    }

    private async Task CommitAsync(
        LogPosition position, IReadOnlyList<StoredRecord> rows, string way, CancellationToken cancellationToken)
    {
        // The map may have changed since they were taken.
        using var turn = parts.Turns.Begin();
        var kept = intake.Keep(turn.Map, rows);
        await parts.Store.ApplyAsync(begun with { Position = position }, kept, cancellationToken);
        parts.Metrics.Applied(source.Name, way, kept.Count);
    }

    private async Task AcknowledgeAsync(LogPosition position, CancellationToken cancellationToken)
    {
        (_acknowledged, _toldEpoch) = (position, WholeEpoch);
        await stream.AcknowledgeAsync(position, _toldEpoch, cancellationToken);
    }

    // What is applied is told to a promoter before it is acknowledged, and it chooses by that: what comes after the
    // promise may not count as safe.
    private long WholeEpoch => _wholeEpoch >= intake.PassedOverEpoch
        && !parts.Promises.Bind(source.Id, parts.Topology.Current.Epoch)
            ? _wholeEpoch
            : 0;

    private sealed class Turn(AsyncGate gate) : IDisposable
    {
        public void Dispose() => gate.Release();
    }
}
