using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Homes;

/// <summary>
/// Makes replicas homes of what a gone node was home of: on an operator's word, and only if nobody hears that node any
/// more and everybody who might hold more was asked.
/// </summary>
internal sealed class Promoter(
    ITopologySource topology, ITopologyStore store, PeerWatch peers, IReplicaSight own, IOptions<HomeOptions> options,
    TimeProvider time)
{
    public async Task<PromotionAnswer> PromoteAsync(
        SyncNode gone, bool acceptLoss, CancellationToken cancellationToken)
    {
        await topology.RefreshAsync(cancellationToken);
        var now = topology.Current;
        // First without a promise: a home that is well keeps everybody's word for its place.
        if (await AskRoundAsync(now, gone, null, cancellationToken) is { HeardBy.Count: > 0 } heard)
            return new PromotionAnswer.HomeReachable(heard.HeardBy);
        var promisedAt = time.GetTimestamp();
        var round = await AskRoundAsync(now, gone, gone, cancellationToken);
        if (round.HeardBy.Count > 0)
            return new PromotionAnswer.HomeReachable(round.HeardBy);
        if (round.Silent.Count > 0 && !acceptLoss)
            return new PromotionAnswer.ReplicaUnreachable(round.Silent);
        // Who promised vouches again before long: then what was asked is too old to act on.
        if (topology.Current.Epoch != now.Epoch || time.GetElapsedTime(promisedAt) > peers.PromiseTime * 0.75)
            return new PromotionAnswer.EpochStale();
        var plan = Promotion.Plan(now, gone.Id, TimelineOf(round), round.Progress);
        try
        {
            if (plan.Promoted.Count > 0 && !await store.TryReplaceAsync(plan.Next, cancellationToken))
                return new PromotionAnswer.EpochStale();
        }
        catch (TopologyUnavailableException)
        {
            return new PromotionAnswer.StoreUnavailable();
        }
        await topology.RefreshAsync(cancellationToken);
        return new PromotionAnswer.Done(
            plan.Next, plan.Promoted, plan.WaitingSlots, time.GetUtcNow() + (options.Value.LeaseTime * 1.5));
    }

    // Each other node, and the gone one itself: who hears it, who is silent, how far each has come.
    private async Task<Round> AskRoundAsync(
        Topology now, SyncNode gone, SyncNode? noMoreFor, CancellationToken cancellationToken)
    {
        List<string> heardBy = [], silent = [];
        Dictionary<NodeId, SourceProgress> progress = [];
        Dictionary<NodeId, TimeSpan> staleness = [];
        if (noMoreFor is not null)
            peers.Promise(noMoreFor);
        if (IsRecent(peers.Silence(gone.Id)))
            heardBy.Add(topology.Self.Name);
        if (await own.ProgressOfAsync(gone.Id, cancellationToken) is { } mine)
            Add(topology.Self.Id, mine, own.StalenessOf(gone.Id));
        else
            MayHoldMore(topology.Self);
        var answers = await Task.WhenAll(now.Nodes.Where(n => n.Id != topology.Self.Id).Select(async node =>
            (Node: node, Word: await peers.AskNowAsync(node, node == gone ? null : noMoreFor, cancellationToken))));
        foreach (var (node, word) in answers)
        {
            if (node == gone)
            {
                if (word is not null)
                    heardBy.Add(topology.Self.Name);
                continue;
            }
            var sight = word?.Sights.FirstOrDefault(s => s.Node == gone.Id);
            if (sight is not null && IsRecent(sight.Silence))
                heardBy.Add(node.Name);
            if (sight?.Timeline.Length > 0)
                Add(node.Id, new SourceProgress(gone.Id, sight.Timeline, sight.Position), sight.Staleness);
            else
                MayHoldMore(node);
        }
        return new Round([.. heardBy.Distinct()], silent, progress, staleness);

        // Silent, or still copying some slots: what it has of the others nobody else may have, and it cannot say.
        void MayHoldMore(SyncNode node)
        {
            if (IsReplicaOf(now, gone.Id, node.Id))
                silent.Add(node.Name);
        }

        void Add(NodeId node, SourceProgress come, TimeSpan? age)
        {
            progress[node] = come;
            if (age is { } known)
                staleness[node] = known;
        }
    }

    private bool IsRecent(TimeSpan? silence) => silence < options.Value.LeaseTime * 1.5;

    // The gone home's last one; who is still on another has come nowhere on it. Of one database it is the greatest:
    // a timeline ends in its generation. Nobody's clock says which: those of two nodes differ by more than what counts.
    private static string TimelineOf(Round round)
    {
        var timelines = round.Progress.Values.Select(p => p.Timeline).Distinct().ToList();
        if (timelines.Select(t => t[..(t.LastIndexOf('-') + 1)]).Distinct().Count() <= 1)
            return timelines.Max(StringComparer.Ordinal) ?? "";
        // Of several databases: of whoever heard it last.
        return round.Progress.OrderBy(p => round.Staleness
            .TryGetValue(p.Key, out var age) ? age : TimeSpan.MaxValue).FirstOrDefault().Value?.Timeline ?? "";
    }

    private static bool IsReplicaOf(Topology now, NodeId home, NodeId node) => now.Classes.Any(c =>
    {
        var map = now.MapOf(c.Id);
        for (short slot = 0; slot < SlotId.Count; slot++)
            if (map.Home(new SlotId(slot)) == home && map.Holds(node, new SlotId(slot)))
                return true;
        return false;
    });

    private sealed record Round(
        IReadOnlyList<string> HeardBy, IReadOnlyList<string> Silent, Dictionary<NodeId, SourceProgress> Progress,
        Dictionary<NodeId, TimeSpan> Staleness);
}

/// <summary>What became of a promotion.</summary>
internal abstract record PromotionAnswer
{
    private PromotionAnswer()
    {
    }

    /// <param name="Topology">The new one.</param>
    /// <param name="Promoted">How many slots each node became home of.</param>
    /// <param name="WaitingSlots">Slots without another replica.</param>
    /// <param name="ServeTime">From when on the new homes serve.</param>
    public sealed record Done(
        Topology Topology, IReadOnlyDictionary<NodeId, int> Promoted, int WaitingSlots, DateTimeOffset ServeTime)
        : PromotionAnswer;

    /// <summary>These nodes hear the old home.</summary>
    public sealed record HomeReachable(IReadOnlyList<string> HeardBy) : PromotionAnswer;

    /// <summary>These replicas may hold more, and do not answer or cannot say how far they are.</summary>
    public sealed record ReplicaUnreachable(IReadOnlyList<string> Nodes) : PromotionAnswer;

    /// <summary>The map changed meanwhile.</summary>
    public sealed record EpochStale : PromotionAnswer;

    /// <summary>The store does not answer: it may have been done.</summary>
    public sealed record StoreUnavailable : PromotionAnswer;
}
