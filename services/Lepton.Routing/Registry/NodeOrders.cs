using System.Collections.Concurrent;
using Lepton.Routing.V1;

namespace Lepton.Routing.Registry;

/// <summary>
/// Operators' orders to nodes: said with the answer to each report until the node has followed. The node keeps what it
/// was told and tells every router, so that routers need not agree.
/// </summary>
internal sealed class NodeOrders(SnapshotPublisher snapshots, TimeProvider time)
{
    /// <summary>How long a node may take: it reports every second and on change.</summary>
    public static readonly TimeSpan FollowMax = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, NodeOrder> _orders = new(StringComparer.Ordinal);

    /// <summary>What the node is told with the answer to its report.</summary>
    public NodeOrder For(string node) =>
        _orders.IsEmpty ? NodeOrder.Unspecified : _orders.GetValueOrDefault(node);

    /// <summary>Gives the order and waits until the node follows.</summary>
    /// <returns>The node; null: the region has none of that name, or it is out.</returns>
    /// <exception cref="TimeoutException">It has not followed in time.</exception>
    public async Task<NodeView?> GiveAsync(string node, NodeOrder order, CancellationToken cancellation)
    {
        if (Find(node) is null)
            return null;
        _orders[node] = order;
        try
        {
            using CancellationTokenSource limit = new(FollowMax, time);
            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(
                limit.Token, cancellation);
            while (true)
            {
                Task change = snapshots.Changed;
                if (Find(node) is not { } now)
                    return null;
                if (now.State == NodeState.Draining == (order == NodeOrder.Drain))
                    return now;
                await change.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancellation.ThrowIfCancellationRequested();
                if (limit.IsCancellationRequested)
                    throw new TimeoutException();
            }
        }
        finally
        {
            // Another operator's newer order stays.
            _orders.TryRemove(KeyValuePair.Create(node, order));
        }
    }

    private NodeView? Find(string node) =>
        snapshots.Current.Nodes.FirstOrDefault(n => n.Id == node && n.State != NodeState.Out);
}
