using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Homes;

/// <summary>
/// May this node speak as the home of a slot now? It may while, within the lease's time, the store or another replica
/// of the slot confirmed its place, counted from when it asked; and after it took a place over, as long has passed. So
/// a home and its successor never serve at once, however late messages come; clocks need only run alike, not agree.
/// </summary>
internal sealed class HomeLease
{
    private readonly ITopologySource _topology;
    private readonly PeerWatch _peers;
    private readonly TimeProvider _time;
    private readonly TimeSpan _lease;
    private readonly Lock _changing = new();

    /// <summary>When this node learnt of the epoch that made it home; by epoch. A handful at most.</summary>
    private readonly Dictionary<long, long> _learntAt = [];

    public HomeLease(
        ITopologySource topology, PeerWatch peers, IOptions<HomeOptions> options, TimeProvider time)
    {
        (_topology, _peers, _time, _lease) = (topology, peers, time, options.Value.LeaseTime);
        topology.Changed += _ => Learn();
    }

    /// <summary>May it serve HOME reads and writes of this slot at this moment?</summary>
    public bool Holds(Topology topology, RecordClass recordClass, SlotId slot)
    {
        var map = topology.MapOf(recordClass.Id);
        var replicas = map.Replicas(slot);
        var self = _topology.Self.Id;
        if (replicas[0] != self)
            return false;
        if (map.Term(slot) > 1 && !HasWaited(map.Term(slot)))
            return false;
        if (replicas.Length == 1 || IsFresh(_topology.ConfirmedAt))
            return true;
        foreach (var replica in replicas[1..])
            if (IsFresh(_peers.VouchedAt(replica)))
                return true;
        return false;
    }

    /// <summary>Slots that this node is home of: those that it may serve now, and those that it may not.</summary>
    public (int Held, int NotHeld) Count()
    {
        var (now, held, notHeld) = (_topology.Current, 0, 0);
        foreach (var recordClass in now.Classes)
            for (short slot = 0; slot < SlotId.Count; slot++)
                if (now.MapOf(recordClass.Id).Home(new SlotId(slot)) != _topology.Self.Id)
                    continue;
                else if (Holds(now, recordClass, new SlotId(slot)))
                    held++;
                else
                    notHeld++;
        return (held, notHeld);
    }

    private bool IsFresh(long? askedAt) => askedAt is { } at && _time.GetElapsedTime(at) < _lease;

    // Half as long again: machines' clocks may run a little differently.
    private bool HasWaited(long term)
    {
        lock (_changing)
        {
            if (_learntAt.TryGetValue(term, out var at))
                return _time.GetElapsedTime(at) > _lease * 1.5;
        }
        Learn(); // the first question since the start
        return false;
    }

    private void Learn()
    {
        var topology = _topology.Current; // known before anything asks
        HashSet<long> terms = [];
        foreach (var recordClass in topology.Classes)
        {
            var map = topology.MapOf(recordClass.Id);
            for (short slot = 0; slot < SlotId.Count; slot++)
                if (map.Term(new SlotId(slot)) > 1 && map.Home(new SlotId(slot)) == _topology.Self.Id)
                    terms.Add(map.Term(new SlotId(slot)));
        }
        lock (_changing)
        {
            foreach (var gone in _learntAt.Keys.Except(terms).ToList())
                _learntAt.Remove(gone);
            foreach (var term in terms)
                _learntAt.TryAdd(term, _time.GetTimestamp());
        }
    }
}
