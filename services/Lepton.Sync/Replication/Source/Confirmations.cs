using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Sync.Replication.Source;

/// <summary>
/// Writes that wait until other nodes have them. Capture says where a transaction is, streams say how far each node has
/// come; a write is confirmed by a replica that has committed everything to there.
/// </summary>
/// <remarks>
/// An acknowledgement holds for the slots that its node had whole, by the map of the epoch that it names: it does not
/// count for a slot that the node was given later. One that was made under a newer map than ours waits until we have
/// that map too, and have seen whether we are still home: a successor's replica passes over what we send.
/// </remarks>
internal sealed class Confirmations : IDisposable
{
    private readonly ITopologySource _topology;
    private readonly ReplicationOptions _options;
    private readonly ReplicationMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly Lock _state = new();
    private readonly TransactionPlaces _places;
    private readonly Dictionary<uint, List<ConfirmationWaiter>> _unplaced = [];
    private readonly List<ConfirmationWaiter> _placed = []; // by position
    private readonly Dictionary<NodeId, Acknowledgement> _acknowledged = [];
    private readonly Dictionary<NodeId, Acknowledgement> _early = [];
    private readonly Dictionary<(NodeId, ClassId, SlotId), long> _gained = [];
    private readonly long _firstEpoch;
    private volatile string _timeline = "";
    private long _epoch;
    private int _waiting;
    private int _over;

    public Confirmations(
        ITopologySource topology, ReplicationOptions options, ReplicationMetrics metrics, TimeProvider time)
    {
        (_topology, _options, _metrics, _time) = (topology, options, metrics, time);
        _places = new TransactionPlaces(options.TransactionsMax);
        _firstEpoch = _epoch = topology.Current.Epoch;
        topology.Changed += TopologyChanged;
        metrics.WatchWaiters(() => _waiting);
    }

    private readonly record struct Acknowledgement(LogPosition Position, long Epoch);

    /// <summary>Could these replicas meet the level?</summary>
    public bool CanMeet(ClassId recordClass, SlotId slot, SafetyLevel level, int otherRegions) =>
        ReplicaSet.Of(_topology.Current, recordClass, slot).Ask(level, otherRegions) is not null;

    /// <summary>
    /// Waits until a committed write is as safe as asked. Cancelled: answers with what is confirmed so far.
    /// </summary>
    /// <param name="write">What was committed.</param>
    /// <param name="level">How safe.</param>
    /// <param name="otherRegions">For <see cref="SafetyLevel.Any"/>: how many, 1 or more.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<Confirmation> WaitAsync(
        CommittedWrite write, SafetyLevel level, int otherRegions, CancellationToken cancellationToken)
    {
        var replicas = ReplicaSet.Of(_topology.Current, write.Class, write.Slot);
        if (replicas.Ask(level, otherRegions) is not { } demand)
            return Task.FromResult(Confirmation.Of(ConfirmationState.Unreachable));
        if (demand.IsNothing)
            return Task.FromResult(Confirmation.Of(ConfirmationState.Met));
        ConfirmationWaiter waiter = new(write, replicas, demand);
        lock (_state)
        {
            if (!IsStillHome(waiter))
                return Task.FromResult(Confirmation.Of(ConfirmationState.HomeLost));
            if (_waiting >= _options.WaitersMax)
                return Task.FromResult(Confirmation.Of(ConfirmationState.Overloaded));
            _waiting++;
            if (_places.Find(write.TransactionId) is { } position)
                Place(waiter, position);
            else if (_unplaced.TryGetValue(write.TransactionId, out var others))
                others.Add(waiter);
            else
                _unplaced.Add(write.TransactionId, [waiter]);
        }
        return EndedAsync(waiter, cancellationToken);
    }

    /// <summary>What positions count in.</summary>
    public string Timeline => _timeline;

    /// <summary>Positions count anew.</summary>
    public void Begin(string timeline)
    {
        lock (_state)
        {
            _timeline = timeline;
            _places.Clear();
            _acknowledged.Clear();
            _early.Clear();
            _placed.Clear(); // what was acknowledged on the old timeline is all they will hear
            _over = 0;
        }
    }

    /// <summary>Capture has seen a transaction's commit.</summary>
    public void Captured(uint transactionId, LogPosition position)
    {
        lock (_state)
        {
            _places.Add(transactionId, position);
            if (_unplaced.Remove(transactionId, out var waiters))
                waiters.ForEach(waiter => Place(waiter, position));
        }
    }

    /// <summary>A node begins to receive, perhaps at an earlier place: what it said before is said again.</summary>
    public void Reopened(NodeId node)
    {
        lock (_state)
        {
            _acknowledged.Remove(node);
            _early.Remove(node);
        }
    }

    /// <summary>
    /// A node has committed everything that concerns it to a position, in the slots that it has whole by the map of
    /// <paramref name="epoch"/> (0: in none).
    /// </summary>
    public void Acknowledged(NodeId node, string timeline, LogPosition position, long epoch)
    {
        lock (_state)
        {
            if (timeline != _timeline || epoch == 0)
                return;
            if (epoch > _topology.Current.Epoch)
                _early[node] = new Acknowledgement(position, epoch);
            else
                Count(node, new Acknowledgement(position, epoch));
        }
    }

    /// <summary>How far a replica has committed what concerns a slot; null: not known, or the slot is not whole
    /// there.</summary>
    public LogPosition? AcknowledgedBy(NodeId node, ClassId recordClass, SlotId slot)
    {
        lock (_state)
            return _acknowledged.TryGetValue(node, out var known) && known.Epoch >= Required(node, recordClass, slot)
                ? known.Position
                : null;
    }

    /// <summary>
    /// The slots that this node is home of and of which every other replica, by the present map, has everything to a
    /// position; one that was given the slot later has said so since.
    /// </summary>
    public IReadOnlyList<SlotId> ConfirmedSlots(ClassId recordClass, string timeline, LogPosition position)
    {
        List<SlotId> confirmed = [];
        lock (_state)
        {
            if (timeline != _timeline || _epoch != _topology.Current.Epoch)
                return confirmed;
            var map = _topology.Current.MapOf(recordClass);
            for (short i = 0; i < SlotId.Count; i++)
                if (map.Home(new SlotId(i)) == _topology.Self.Id && HaveAll(map, recordClass, new SlotId(i), position))
                    confirmed.Add(new SlotId(i));
        }
        return confirmed;
    }

    public void Dispose() => _topology.Changed -= TopologyChanged;

    private bool HaveAll(SlotMap map, ClassId recordClass, SlotId slot, LogPosition position)
    {
        foreach (var node in map.Replicas(slot)[1..])
            if (!_acknowledged.TryGetValue(node, out var known) || known.Position < position
                || known.Epoch < Required(node, recordClass, slot))
                return false;
        return true;
    }

    private async Task<Confirmation> EndedAsync(ConfirmationWaiter waiter, CancellationToken cancellationToken)
    {
        var transactionId = waiter.Write.TransactionId;
        try
        {
            await using (cancellationToken.Register(() => Cancel(waiter)))
                return await waiter.Result;
        }
        finally
        {
            lock (_state)
            {
                _waiting--;
                _over++;
                if (_unplaced.TryGetValue(transactionId, out var waiters)
                    && waiters.Remove(waiter) && waiters.Count == 0)
                    _unplaced.Remove(transactionId);
                if (_over > 64 && _over > _placed.Count / 2)
                {
                    _placed.RemoveAll(w => w.IsOver);
                    _over = 0;
                }
            }
        }
    }

    private void Cancel(ConfirmationWaiter waiter)
    {
        lock (_state)
            waiter.End(ConfirmationState.Unmet);
    }

    private void Place(ConfirmationWaiter waiter, LogPosition position)
    {
        (waiter.Position, waiter.PlacedAt) = (position, _time.GetTimestamp());
        foreach (var (node, known) in _acknowledged)
            if (known.Position >= position)
                Confirm(waiter, node, known.Epoch);
        if (!waiter.IsOver)
            _placed.Insert(FirstAfter(position), waiter);
    }

    /// <summary>The first waiter beyond a position.</summary>
    private int FirstAfter(LogPosition position)
    {
        var (low, high) = (0, _placed.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_placed[middle].Position > position)
                high = middle;
            else
                low = middle + 1;
        }
        return low;
    }

    private void Count(NodeId node, Acknowledgement told)
    {
        var known = _acknowledged.GetValueOrDefault(node);
        _acknowledged[node] = new Acknowledgement(
            told.Position > known.Position ? told.Position : known.Position, Math.Max(told.Epoch, known.Epoch));
        // Only what it has newly come past, unless it has new slots whole.
        for (var i = told.Epoch > known.Epoch ? 0 : FirstAfter(known.Position);
            i < _placed.Count && _placed[i].Position <= told.Position; i++)
            Confirm(_placed[i], node, told.Epoch);
    }

    private void Confirm(ConfirmationWaiter waiter, NodeId node, long epoch)
    {
        if (epoch >= Required(node, waiter.Write.Class, waiter.Write.Slot) && waiter.Confirm(node))
            _metrics.ConfirmDuration.Record(_time.GetElapsedTime(waiter.PlacedAt).TotalSeconds);
    }

    private long Required(NodeId node, ClassId recordClass, SlotId slot) =>
        _gained.GetValueOrDefault((node, recordClass, slot), _firstEpoch);

    private bool IsStillHome(ConfirmationWaiter waiter)
    {
        var map = _topology.Current.MapOf(waiter.Write.Class);
        return map.Home(waiter.Write.Slot) == _topology.Self.Id && map.Term(waiter.Write.Slot) == waiter.Write.Term;
    }

    private void TopologyChanged(Topology before)
    {
        lock (_state)
        {
            var now = _topology.Current;
            Gain(before, now);
            _epoch = now.Epoch;
            foreach (var waiter in _placed.Concat(_unplaced.Values.SelectMany(w => w)).Where(w => !IsStillHome(w)))
                waiter.End(ConfirmationState.HomeLost);
            foreach (var (node, early) in _early.Where(e => e.Value.Epoch <= now.Epoch).ToList())
            {
                _early.Remove(node);
                Count(node, early);
            }
        }
    }

    /// <summary>Which nodes must say that they have which slots, before they count for them.</summary>
    private void Gain(Topology before, Topology now)
    {
        var self = _topology.Self.Id;
        foreach (var recordClass in now.Classes)
        {
            var map = now.MapOf(recordClass.Id);
            var former = recordClass.Id.Value < before.Classes.Count ? before.MapOf(recordClass.Id) : null;
            for (short i = 0; i < SlotId.Count; i++)
            {
                SlotId slot = new(i);
                if (map.Home(slot) != self)
                    continue;
                foreach (var node in map.Replicas(slot)[1..])
                    if (former is null || former.Term(slot) != map.Term(slot) || !former.Holds(node, slot))
                        _gained[(node, recordClass.Id, slot)] = now.Epoch;
            }
        }
    }
}
