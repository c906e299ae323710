using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Replication.Receiver;
using Lepton.Sync.Replication.Source;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>One direction of a stream: in order, late, no more under way than a window; held back by a cut.</summary>
internal sealed class SimulatedPipe<T>(SimulatedMachine machine, SimulatedNetwork network, int from, int to)
    where T : class
{
    private const int Window = 16;

    private readonly Queue<(T Message, TimeSpan Due)> _underWay = new();
    private readonly Queue<T> _arrived = new();
    private readonly AsyncSignal _changed = new();
    private TimeSpan _lastDue;
    private bool _isCarrying, _isOver, _isFinished;

    /// <summary>Both ends hear that it is over when they use it next.</summary>
    public void Break()
    {
        _isOver = true;
        _underWay.Clear();
        _changed.Set();
    }

    /// <summary>Nothing more comes: what is under way still does.</summary>
    public void Finish()
    {
        _isFinished = true;
        _changed.Set();
    }

    public async Task SendAsync(T message, CancellationToken cancellationToken)
    {
        while (_underWay.Count + _arrived.Count >= Window && !_isOver)
            await _changed.Next.WaitAsync(cancellationToken);
        if (_isOver || _isFinished)
            throw new IOException("The simulated stream is over.");
        _lastDue = Max(_lastDue, machine.Elapsed + network.DrawDelay());
        _underWay.Enqueue((message, _lastDue));
        if (!_isCarrying)
            _ = machine.Outside(CarryAsync);
    }

    /// <summary>The next one; null: it is over.</summary>
    public async Task<T?> ReceiveAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var changed = _changed.Next;
            if (_arrived.TryDequeue(out var message))
            {
                _changed.Set();
                return message;
            }
            if (_isOver || (_isFinished && _underWay.Count == 0))
                return null;
            await changed.WaitAsync(cancellationToken);
        }
    }

    private async Task CarryAsync()
    {
        _isCarrying = true;
        try
        {
            while (_underWay.TryPeek(out var next))
            {
                if (next.Due > machine.Elapsed)
                    await Task.Delay(next.Due - machine.Elapsed, machine.Time);
                await network.PassAsync(from, to);
                if (!_underWay.TryDequeue(out next))
                    return;
                _arrived.Enqueue(next.Message);
                _changed.Set();
            }
        }
        catch (IOException)
        {
            Break();
        }
        finally
        {
            _isCarrying = false;
        }
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}

/// <param name="Position">Committed to here.</param>
/// <param name="Epoch">By this map.</param>
internal sealed record Acknowledgement(LogPosition Position, long Epoch);

/// <summary>A replication stream between two simulated nodes: the product's source at one end, its receiver at the
/// other.</summary>
internal sealed class SimulatedStream(
    SimulatedCluster cluster, SimulatedSyncNode source, SimulatedSyncNode receiver) : IReplicationStream
{
    private readonly SimulatedPipe<SourceMessage> _down =
        new(cluster.Machine, cluster.Network, source.Number, receiver.Number);

    private readonly SimulatedPipe<Acknowledgement> _up =
        new(cluster.Machine, cluster.Network, receiver.Number, source.Number);

    private readonly CancellationTokenSource _ending = new();
    private bool _isOver;

    /// <summary>The source's end, as <c>PeerService.Replicate</c> is; in the source's process.</summary>
    public async Task ServeAsync(SyncParts parts, string timeline, LogPosition position)
    {
        var (stream, refusal) = parts.Source.Open(receiver.Node.Region, receiver.Node.Name, timeline, position);
        if (stream is null)
        {
            await _down.SendAsync(new SourceEnd(0, refusal ?? StreamEnd.NotReady), _ending.Token);
            _down.Finish();
            return;
        }
        var listening = ListenAsync(parts, stream);
        try
        {
            await foreach (var message in stream.ReadAsync(_ending.Token))
            {
                cluster.Watch.Sent(message, source, receiver);
                await _down.SendAsync(message, _ending.Token);
                if (message is SourceEnd)
                    break;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The connection is gone.
        }
        finally
        {
            parts.Source.Close(stream);
            _down.Finish();
            _up.Break();
            _ending.Cancel();
            await listening;
        }
    }

    public async Task<SourceMessage?> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var message = await _down.ReceiveAsync(cancellationToken)
                ?? throw new IOException("The simulated stream broke.");
            var faults = cluster.Faults;
            if (message is SourceFrame && faults.FramesSkipped > 0 && cluster.Random.Next(faults.FramesSkipped) == 0)
                continue;
            if (faults.AcknowledgesEarly && message is SourceFrame)
                await _up.SendAsync(
                    new Acknowledgement(message.Position, message.Epoch), cancellationToken);
            return message is SourceEnd { Reason: not StreamEnd.PositionLost } end
                ? throw new IOException($"The simulated stream ended: {end.Reason}.")
                : message;
        }
    }

    public Task AcknowledgeAsync(LogPosition position, long epoch, CancellationToken cancellationToken) =>
        _up.SendAsync(new Acknowledgement(position, epoch), cancellationToken);

    public ValueTask DisposeAsync()
    {
        End();
        return default;
    }

    /// <summary>Both ends hear of it, sooner or later.</summary>
    public void End()
    {
        if (_isOver)
            return;
        _isOver = true;
        _down.Break();
        _up.Break();
        _ending.Cancel();
    }

    private async Task ListenAsync(SyncParts parts, SourceStream stream)
    {
        try
        {
            while (await _up.ReceiveAsync(_ending.Token) is { } told)
            {
                await parts.Source.NoticeEpochAsync(told.Epoch, _ending.Token);
                parts.Source.Acknowledge(stream, told.Position, told.Epoch);
            }
        }
        catch (OperationCanceledException)
        {
            // The connection is gone.
        }
    }
}
