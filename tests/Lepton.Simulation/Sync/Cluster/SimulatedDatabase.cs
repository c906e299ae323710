using System.Globalization;
using Lepton.Sync.Erasure;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Replication.Receiver;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>A node's database server: rows, the log and its slot, which slots are whole, orders to erase.</summary>
internal sealed class SimulatedDatabase : IReplicaState, IErasureLog
{
    private readonly Dictionary<(ClassId, SlotId), SlotOrigin> _origins = [];
    private readonly Dictionary<Guid, Erasure> _erasures = [];
    private readonly Random _random;
    private readonly string _name;
    private int _generation = 1;

    public SimulatedDatabase(SimulatedMachine machine, string name, Random random, SimulatedFaults faults)
    {
        (_name, _random) = (name, random);
        Store = new SimulatedRecordStore(machine.Time, random, TimeSpan.FromMilliseconds(3), machine)
        {
            LossWindow = faults.StoreLosesLast,
        };
        while (Rows.LogEnd < FirstPosition)
            Rows.Mark();
        Confirmed = FirstPosition;
        Rows.Logged = Changed.Set;
    }

    /// <summary>Where a new database's log begins.</summary>
    public static LogPosition FirstPosition => new(64);

    public SimulatedRecordStore Store { get; }

    public SimulatedRows Rows => Store.Rows;

    /// <summary>Something was logged, or the server went away.</summary>
    public AsyncSignal Changed { get; } = new();

    public string Timeline => string.Create(CultureInfo.InvariantCulture, $"{_name}-{_generation:D8}");

    /// <summary>Change capture goes on here.</summary>
    public LogPosition Confirmed { get; private set; }

    /// <summary>The slot was lost: capture says so when it begins again.</summary>
    public bool IsSlotLost { get; private set; }

    /// <summary>Orders that are here.</summary>
    public IReadOnlyCollection<Erasure> Erasures => _erasures.Values;

    public void Crash()
    {
        Store.Crash();
        // What was confirmed lately may not have been written down: transactions come again.
        if (_random.Next(2) == 0)
            Confirmed = new LogPosition(Math.Max(_generation == 1 ? FirstPosition.Value : Confirmed.Value,
                Confirmed.Value - Math.Min(Confirmed.Value, (ulong)_random.Next(2000))));
        Changed.Set();
    }

    /// <summary>The log's slot was dropped: it held back too much.</summary>
    public void LoseSlot()
    {
        (IsSlotLost, _generation, Confirmed) = (true, _generation + 1, Rows.LogEnd);
        Changed.Set();
    }

    /// <summary>The slot that there is now, for a stream; true: it is another than before.</summary>
    public bool TakeLoss() => IsSlotLost && !(IsSlotLost = false);

    public void Confirm(string timeline, LogPosition position)
    {
        if (timeline == Timeline && position > Confirmed)
            Confirmed = position;
    }

    /// <summary>As after a long peace: this slot is whole by its home.</summary>
    public void SetWhole(SlotOrigin origin) => _origins[(origin.Class, origin.Slot)] = origin;

    Task<IReadOnlyList<SlotOrigin>> IReplicaState.ReadAsync(CancellationToken cancellationToken) =>
        Store.ReadAsync<IReadOnlyList<SlotOrigin>>(() => [.. _origins.Values], cancellationToken);

    Task IReplicaState.WriteAsync(IReadOnlyList<SlotOrigin> origins, CancellationToken cancellationToken) =>
        Store.CommitAsync(() =>
        {
            foreach (var origin in origins)
                SetWhole(origin);
            return 0;
        }, cancellationToken);

    Task IReplicaState.ForgetAsync(NodeId home, CancellationToken cancellationToken) => Store.CommitAsync(() =>
    {
        foreach (var slot in _origins.Where(o => o.Value.Home == home).Select(o => o.Key).ToList())
            _origins.Remove(slot);
        return 0;
    }, cancellationToken);

    public Task AddAsync(ErasureOrder order, IReadOnlyList<SyncNode> nodes, CancellationToken cancellationToken) =>
        Store.CommitAsync(() =>
        {
            var erasure = _erasures.GetValueOrDefault(order.Id) ?? new Erasure(order, [], [], false);
            _erasures[order.Id] = erasure with
            {
                Nodes = [.. erasure.Nodes, .. nodes.Where(n => erasure.At(n.Name) is null)
                    .Select(n => new NodeErasure(n.Name, n.Region, null, [], 0))],
            };
            return 0;
        }, cancellationToken);

    public Task<Erasure?> FindAsync(Guid id, CancellationToken cancellationToken) =>
        Store.ReadAsync(() => _erasures.GetValueOrDefault(id), cancellationToken);

    public Task<int> CountOpenAsync(string orderedBy, CancellationToken cancellationToken) => Store.ReadAsync(
        () => _erasures.Values.Count(e => e.Order.OrderedBy == orderedBy && !e.IsFinished), cancellationToken);

    public Task<IReadOnlyList<Erasure>> ReadOpenAsync(
        string orderedBy, Guid? after, int limit, CancellationToken cancellationToken) =>
        Store.ReadAsync<IReadOnlyList<Erasure>>(() =>
        [
            .. _erasures.Values.Where(e => (e.Order.OrderedBy == orderedBy && !e.IsFinished) || !e.IsSwept)
                .Where(e => after is null || e.Order.Id.CompareTo(after.Value) > 0)
                .OrderBy(e => e.Order.Id).Take(limit),
        ], cancellationToken);

    public Task SaveReceiptAsync(
        Guid id, NodeReceipt receipt, IReadOnlyList<KeyId> ownKeys, IReadOnlyList<KeyId> toldKeys,
        CancellationToken cancellationToken) => Store.CommitAsync(() =>
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
            return 0;
        }, cancellationToken);

    public Task SetSweptAsync(Guid id, CancellationToken cancellationToken) => Store.CommitAsync(() =>
    {
        _erasures[id] = _erasures[id] with { IsSwept = true };
        return 0;
    }, cancellationToken);
}
