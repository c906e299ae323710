using Lepton.Sync.Erasure;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Sync.Tests.Erasure;

/// <summary>Orders in memory, which outlive the node that a test stops.</summary>
internal sealed class MemoryErasureLog : IErasureLog
{
    private readonly Dictionary<Guid, Sync.Erasure.Erasure> _erasures = [];

    public Task AddAsync(ErasureOrder order, IReadOnlyList<SyncNode> nodes, CancellationToken cancellationToken)
    {
        var erasure = _erasures.GetValueOrDefault(order.Id) ?? new Sync.Erasure.Erasure(order, [], [], false);
        _erasures[order.Id] = erasure with
        {
            Nodes = [.. erasure.Nodes, .. nodes.Where(n => erasure.At(n.Name) is null)
                .Select(n => new NodeErasure(n.Name, n.Region, null, [], 0))],
        };
        return Task.CompletedTask;
    }

    public Task<Sync.Erasure.Erasure?> FindAsync(Guid id, CancellationToken cancellationToken) =>
        Task.FromResult(_erasures.GetValueOrDefault(id));

    public Task<int> CountOpenAsync(string orderedBy, CancellationToken cancellationToken) =>
        Task.FromResult(_erasures.Values.Count(e => e.Order.OrderedBy == orderedBy && !e.IsFinished));

    public Task<IReadOnlyList<Sync.Erasure.Erasure>> ReadOpenAsync(
        string orderedBy, Guid? after, int limit, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Sync.Erasure.Erasure>>(
        [
            .. _erasures.Values.Where(e => (e.Order.OrderedBy == orderedBy && !e.IsFinished) || !e.IsSwept)
                .Where(e => after is null || e.Order.Id.CompareTo(after.Value) > 0)
                .OrderBy(e => e.Order.Id).Take(limit),
        ]);

    public Task SaveReceiptAsync(
        Guid id, NodeReceipt receipt, IReadOnlyList<KeyId> ownKeys, IReadOnlyList<KeyId> toldKeys,
        CancellationToken cancellationToken)
    {
        var erasure = _erasures[id];
        KeyId[] all = [.. erasure.Keys.Union(toldKeys).Union(ownKeys)];
        _erasures[id] = erasure with
        {
            Keys = all,
            IsSwept = erasure.IsSwept && all.Length == erasure.Keys.Count,
            Nodes =
            [
                .. erasure.Nodes.Select(n => n.Node != receipt.Node ? n : n with
                {
                    Receipt = n.Receipt ?? receipt,
                    OwnKeys = [.. n.OwnKeys.Union(ownKeys)],
                    KnownKeys = Math.Max(n.KnownKeys, toldKeys.Count),
                }),
            ],
        };
        return Task.CompletedTask;
    }

    public Task SetSweptAsync(Guid id, CancellationToken cancellationToken)
    {
        _erasures[id] = _erasures[id] with { IsSwept = true };
        return Task.CompletedTask;
    }
}
