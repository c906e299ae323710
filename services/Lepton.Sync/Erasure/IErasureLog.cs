using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Sync.Erasure;

/// <summary>
/// Orders and receipts, durable when a call returns. Real: PostgreSQL. Simulated: memory with crashes.
/// </summary>
internal interface IErasureLog
{
    /// <summary>Keeps an order, and that these nodes have it before them. What is there already stays.</summary>
    Task AddAsync(ErasureOrder order, IReadOnlyList<SyncNode> nodes, CancellationToken cancellationToken);

    /// <summary>The order as it stands; null: unknown here.</summary>
    Task<Erasure?> FindAsync(Guid id, CancellationToken cancellationToken);

    /// <summary>How many orders of this node's are not finished.</summary>
    Task<int> CountOpenAsync(string orderedBy, CancellationToken cancellationToken);

    /// <summary>
    /// Orders that something is still to be done for, by their ids, after one (null: from the start): this node's that
    /// are not finished, and all that are not swept.
    /// </summary>
    Task<IReadOnlyList<Erasure>> ReadOpenAsync(
        string orderedBy, Guid? after, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Keeps a node's receipt, adds keys to the order's, and that the node knows the first so many of them. New keys
    /// make an order unswept.
    /// </summary>
    Task SaveReceiptAsync(
        Guid id, NodeReceipt receipt, IReadOnlyList<KeyId> ownKeys, IReadOnlyList<KeyId> toldKeys,
        CancellationToken cancellationToken);

    /// <summary>Records that were on their way have been looked for.</summary>
    Task SetSweptAsync(Guid id, CancellationToken cancellationToken);
}
