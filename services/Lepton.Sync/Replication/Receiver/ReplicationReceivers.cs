using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Sync.Replication.Receiver;

/// <summary>Where other nodes are.</summary>
internal interface IReplicationPeers
{
    IReplicationPeer Of(SyncNode node);
}

/// <summary>One receiver for each node that is home of slots held here; begun and ended as the map changes.</summary>
internal sealed partial class ReplicationReceivers
{
    private readonly ReceiverParts _parts;
    private readonly IReplicationPeers _peers;
    private readonly Random _random;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly Dictionary<NodeId, (CancellationTokenSource Stop, Task Run)> _running = [];

    public ReplicationReceivers(
        ReceiverParts parts, IReplicationPeers peers, Random random, ILoggerFactory loggers)
    {
        (_parts, _peers, _random, _loggers) = (parts, peers, random, loggers);
        _logger = loggers.CreateLogger<ReplicationReceivers>();
        parts.Metrics.WatchLag(Lags);
        parts.Metrics.WatchCopies(() => parts.Slots.Sources().Select(id => (NameOf(id), parts.Slots.LeftOf(id))));
    }

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        AsyncSignal changed = new();
        void Notice(Topology before) => changed.Set();
        _parts.Topology.Changed += Notice;
        try
        {
            await PersistAsync(_parts.Slots.LoadAsync, cancellationToken);
            while (!cancellationToken.IsCancellationRequested)
            {
                var next = changed.Next;
                await PersistAsync(_parts.Slots.NoteHomesAsync, cancellationToken);
                await AdjustAsync(cancellationToken);
                await next.WaitAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Stopped.
        }
        finally
        {
            _parts.Topology.Changed -= Notice;
            foreach (var node in _running.Keys.ToList())
                await EndAsync(node);
        }
    }

    private async Task AdjustAsync(CancellationToken cancellationToken)
    {
        var sources = _parts.Slots.Sources();
        foreach (var node in _running.Keys.Except(sources).ToList())
            await EndAsync(node);
        foreach (var node in sources.Where(n => !_running.ContainsKey(n)))
        {
            var source = _parts.Topology.Current[node];
            var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            ReplicationReceiver receiver = new(
                source, _peers.Of(source), _parts, _random, _loggers.CreateLogger<ReplicationReceiver>());
            _running[node] = (stop, receiver.RunAsync(stop.Token));
        }
    }

    private async Task EndAsync(NodeId node)
    {
        if (!_running.Remove(node, out var running))
            return;
        running.Stop.Cancel();
        await running.Run;
        running.Stop.Dispose();
    }

    // The database may not be there yet, or be away: without what it knows nothing can be followed.
    private async Task PersistAsync(Func<CancellationToken, Task> act, CancellationToken cancellationToken)
    {
        Retry retry = new(_parts.Options.RetryTimeMax, _parts.Time, _random);
        while (true)
        {
            try
            {
                await act(cancellationToken);
                return;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                LogNotYet(e);
            }
            await retry.WaitAsync(cancellationToken);
        }
    }

    private IEnumerable<(string, TimeSpan)> Lags()
    {
        foreach (var node in _parts.Slots.Sources())
            if (_parts.Lag.StalenessOf(node) is { } lag)
                yield return (NameOf(node), lag);
    }

    private string NameOf(NodeId node) => _parts.Topology.Current[node].Name;

    [LoggerMessage(LogLevel.Warning, "Which slots are whole here cannot be read or written; trying on")]
    private partial void LogNotYet(Exception e);
}
