using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Sealing;
using Lepton.Sync.Waiting;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Erasure;

/// <summary>This node has as many unfinished orders as <c>Sync:Erasure:OpenMax</c> says.</summary>
internal sealed class TooManyErasuresException(int openMax)
    : Exception($"{openMax} erasures are not confirmed everywhere yet; Sync:Erasure:OpenMax takes more.");

/// <summary>
/// Erases subjects: the order is durable first, then this node's keys are destroyed, then every other node of the
/// topology gets the order until it has confirmed. A node answers which keys it destroyed, and an order is done when
/// every node has destroyed every key that any of them had: so no clock is trusted, and a key that was copied between
/// two nodes meanwhile is found.
/// </summary>
internal sealed partial class Eraser(
    IErasureLog log, IDataKeys keys, IErasedRecords records, IErasurePeers peers, IReceiptSigner signer,
    IRecordSealer sealer, ITopologySource topology, Entropy entropy, Random chance, IOptions<ErasureOptions> options,
    ErasureMetrics metrics, TimeProvider time, ILogger<Eraser> logger)
{
    private readonly AsyncGate _applying = new();
    private readonly Dictionary<string, Backoff> _backoffs = [];
    private readonly AsyncSignal _wanted = new();

    /// <summary>Ends when there is something to deliver.</summary>
    public AsyncSignal.Moment Wanted => _wanted.Next;

    /// <summary>
    /// Erases a subject. Returns when this node has destroyed its keys, and the other zones of its region have or did
    /// not answer in time; the rest follows.
    /// </summary>
    /// <exception cref="TooManyErasuresException">Too many are not finished.</exception>
    public async Task<Erasure> EraseAsync(string tenant, string subject, CancellationToken cancellationToken)
    {
        var self = topology.Self;
        if (await log.CountOpenAsync(self.Name, cancellationToken) >= options.Value.OpenMax)
            throw new TooManyErasuresException(options.Value.OpenMax);
        ErasureOrder order = new(
            entropy.NewId(), sealer.DigestOf(tenant, subject), Whole(time.GetUtcNow()), self.Name);
        await log.AddAsync(order, topology.Current.Nodes, cancellationToken);
        _wanted.Set();
        LogOrdered(order.Id, tenant);
        await ApplyAsync(order, [], cancellationToken);
        await DeliverToRegionAsync(order.Id, cancellationToken);
        return await RequireAsync(order.Id, cancellationToken);
    }

    /// <summary>An erasure that this node ordered or applied; null: unknown here.</summary>
    public Task<Erasure?> FindAsync(Guid id, CancellationToken cancellationToken) =>
        log.FindAsync(id, cancellationToken);

    /// <summary>
    /// Carries out an order here, its own or another node's. Repeated it does what is not done yet, and no more: what
    /// the subject has written since is not touched.
    /// </summary>
    /// <param name="order">The order.</param>
    /// <param name="others">Keys that other nodes destroyed for it.</param>
    /// <param name="cancellationToken">Ends it; what is left is done by the next try.</param>
    public async Task<PeerErasure> ApplyAsync(
        ErasureOrder order, IReadOnlyList<KeyId> others, CancellationToken cancellationToken)
    {
        await _applying.WaitAsync(cancellationToken);
        try
        {
            var self = topology.Self;
            await log.AddAsync(order, [self], cancellationToken);
            var known = (await RequireAsync(order.Id, cancellationToken)).At(self.Name);
            var (receipt, own) = (known?.Receipt, known?.OwnKeys ?? []);
            if (receipt is null)
                own = await keys.EraseAsync(order.Subject, order.OrderTime, cancellationToken);
            await keys.MarkErasedAsync(others, cancellationToken);
            var removed = await records.RemoveAsync([.. own.Union(others)], cancellationToken);
            if (receipt is null)
            {
                receipt = signer.Sign(order, self, Whole(time.GetUtcNow()), own.Count, removed);
                metrics.Applied();
                LogApplied(order.Id, own.Count, removed);
            }
            await log.SaveReceiptAsync(order.Id, receipt, own, others, cancellationToken);
            return new PeerErasure(receipt, own);
        }
        finally
        {
            _applying.Release();
        }
    }

    // Receipts tell milliseconds, the database microseconds: what is signed is what is kept.
    private static DateTimeOffset Whole(DateTimeOffset time) =>
        DateTimeOffset.FromUnixTimeMilliseconds(time.ToUnixTimeMilliseconds());

    private async Task<Erasure> RequireAsync(Guid id, CancellationToken cancellationToken) =>
        await log.FindAsync(id, cancellationToken)
            ?? throw new InvalidOperationException($"Erasure {id} was kept and is not there.");

    [LoggerMessage(LogLevel.Information, "Erasure {Id} of a subject of {Tenant} was ordered")]
    private partial void LogOrdered(Guid id, string tenant);

    [LoggerMessage(LogLevel.Information, "Erasure {Id}: {Keys} keys destroyed, which had sealed {Records} records")]
    private partial void LogApplied(Guid id, int keys, long records);
}
