using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Homes;

/// <summary>
/// Asks every other node every 2 s how it is, and answers the same question: who is heard, who vouches for whose place,
/// how far each has come.
/// </summary>
internal sealed class PeerWatch(
    ITopologySource topology, IPeers peers, Func<IReplicaSight> replicas, HomePromises promises,
    IOptions<HomeOptions> options, TimeProvider time)
    : BackgroundService
{
    private readonly Lock _changing = new();
    private readonly Dictionary<NodeId, Sight> _sights = [];
    private readonly long _startedAt = time.GetTimestamp();
    private long _firstEpoch;

    /// <summary>
    /// A promise holds until the map says otherwise, or no promoter would still act on it: six times the lease's time,
    /// and a promoter acts within three quarters of that.
    /// </summary>
    public TimeSpan PromiseTime => options.Value.LeaseTime * 6;

    /// <summary>When the node was asked that last vouched for this one's place; null: it does not.</summary>
    public long? VouchedAt(NodeId node)
    {
        lock (_changing)
            return _sights.GetValueOrDefault(node)?.VouchedAt;
    }

    /// <summary>Was it heard within three rounds?</summary>
    public bool IsReachable(NodeId node) =>
        node == topology.Self.Id || Silence(node) is { } silence && silence < 3 * options.Value.AskInterval;

    /// <summary>How long it has been silent; null: never heard.</summary>
    public TimeSpan? Silence(NodeId node)
    {
        lock (_changing)
            return _sights.GetValueOrDefault(node)?.HeardAt is { } at ? time.GetElapsedTime(at) : null;
    }

    /// <summary>What a node last said; null: nothing yet.</summary>
    public PeerWord? WordOf(NodeId node)
    {
        lock (_changing)
            return _sights.GetValueOrDefault(node)?.Word;
    }

    /// <summary>Answers another node's question, and takes note that it was heard.</summary>
    public async Task<PeerWord> AnswerAsync(
        SyncNode asker, long epoch, SyncNode? noMoreFor, CancellationToken cancellationToken)
    {
        if (epoch > topology.Current.Epoch)
            await topology.RefreshAsync(cancellationToken);
        var now = topology.Current;
        bool vouches;
        lock (_changing)
        {
            if (noMoreFor is not null)
                Promise(noMoreFor, now.Epoch);
            // A message from the old home that was under way when the promise was given is no sign of life.
            SightOf(asker.Id).HeardAt = time.GetTimestamp();
            vouches = epoch >= now.Epoch && !IsPromised(asker.Id, now.Epoch);
        }
        return new PeerWord(now.Epoch, vouches, await SightsAsync(now, cancellationToken));
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync(stoppingToken);

    /// <summary>Runs until it is cancelled.</summary>
    internal async Task RunAsync(CancellationToken stoppingToken)
    {
        try
        {
            using PeriodicTimer timer = new(options.Value.AskInterval, time);
            do
            {
                // Not awaited one by one: who is silent delays nobody.
                foreach (var node in topology.Current.Nodes.Where(n => n.Id != topology.Self.Id))
                    if (TryBegin(node.Id))
                        _ = AskAsync(node, stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    /// <summary>Asks one node now.</summary>
    public async Task<PeerWord?> AskNowAsync(SyncNode node, SyncNode? noMoreFor, CancellationToken cancellationToken)
    {
        var askedAt = time.GetTimestamp();
        var epoch = topology.Current.Epoch;
        var word = await peers.AskAsync(node, epoch, noMoreFor, cancellationToken);
        if (word is null)
            return null;
        lock (_changing)
        {
            var sight = SightOf(node.Id);
            sight.HeardAt = time.GetTimestamp();
            sight.Word = word;
            if (word.Vouches && word.Epoch <= epoch)
                sight.VouchedAt = askedAt;
        }
        if (word.Epoch > topology.Current.Epoch)
            await topology.RefreshAsync(cancellationToken);
        return word;
    }

    /// <summary>From now on this node vouches for that one no more, until the map changes.</summary>
    public void Promise(SyncNode node)
    {
        lock (_changing)
            Promise(node, topology.Current.Epoch);
    }

    private void Promise(SyncNode node, long epoch) => promises.Give(node.Id, epoch, PromiseTime);

    private async Task AskAsync(SyncNode node, CancellationToken cancellationToken)
    {
        try
        {
            await AskNowAsync(node, null, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        finally
        {
            lock (_changing)
                SightOf(node.Id).IsAsked = false;
        }
    }

    private bool TryBegin(NodeId node)
    {
        lock (_changing)
        {
            var sight = SightOf(node);
            return !sight.IsAsked && (sight.IsAsked = true);
        }
    }

    // A run before this one may have promised anything, and be forgotten: until that would be over, nobody is vouched
    // for, unless the map has changed since.
    private bool IsPromised(NodeId node, long epoch)
    {
        if (_firstEpoch == 0)
            _firstEpoch = epoch;
        return (epoch == _firstEpoch && time.GetElapsedTime(_startedAt) < PromiseTime) || promises.Bind(node, epoch);
    }

    private async Task<IReadOnlyList<PeerSight>> SightsAsync(Topology now, CancellationToken cancellationToken)
    {
        List<PeerSight> sights = [];
        foreach (var node in now.Nodes.Where(n => n.Id != topology.Self.Id))
        {
            var progress = await replicas().ProgressOfAsync(node.Id, cancellationToken);
            sights.Add(new PeerSight(
                node.Id, Silence(node.Id), progress?.Position ?? default, progress?.Timeline ?? "",
                replicas().StalenessOf(node.Id)));
        }
        return sights;
    }

    private Sight SightOf(NodeId node)
    {
        if (!_sights.TryGetValue(node, out var sight))
            _sights[node] = sight = new Sight();
        return sight;
    }

    private sealed class Sight
    {
        public long? HeardAt { get; set; }

        public long? VouchedAt { get; set; }

        public bool IsAsked { get; set; }

        public PeerWord? Word { get; set; }
    }
}
