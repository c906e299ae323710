using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Waiting;

namespace Lepton.Sync.Replication.Receiver;

/// <param name="Class">A class.</param>
/// <param name="Slots">Slots of it that are not whole here.</param>
/// <param name="Replaces">
/// They were whole by another home, or in another term: what the new home does not have is put aside.
/// </param>
internal sealed record CopyTask(ClassId Class, IReadOnlyList<SlotId> Slots, bool Replaces);

/// <summary>
/// Which slots this node has whole: all rows of the slot's present home and term, or its own as home. A slot that is
/// not is copied, and neither acknowledged nor counted on before.
/// </summary>
internal sealed class ReplicaSlots(ITopologySource topology, IReplicaState state)
{
    private readonly Lock _lock = new();
    private readonly AsyncGate _writing = new();
    private readonly Dictionary<(ClassId, SlotId), (NodeId Home, long Term)> _origins = [];

    /// <summary>Of a map and the origins as they are: asked for at every question of another node. Null: to be counted.
    /// </summary>
    private Sums? _sums;

    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        var origins = await state.ReadAsync(cancellationToken);
        lock (_lock)
        {
            _origins.Clear();
            _sums = null;
            foreach (var origin in origins)
                _origins[(origin.Class, origin.Slot)] = (origin.Home, origin.Term);
        }
    }

    /// <summary>Has this node every row of the slot that its home had when it was last heard?</summary>
    public bool IsWhole(ClassId recordClass, SlotId slot)
    {
        var map = topology.Current.MapOf(recordClass);
        lock (_lock)
            return IsWhole(map, recordClass, slot);
    }

    /// <summary>Slots whose home is this node are whole by that. To be called before they are served.</summary>
    public async Task NoteHomesAsync(CancellationToken cancellationToken)
    {
        var map = topology.Current;
        List<SlotOrigin> own = [];
        lock (_lock)
            foreach (var (recordClass, slot) in Held(map, topology.Self.Id))
                if (!IsWhole(map.MapOf(recordClass), recordClass, slot))
                    own.Add(new SlotOrigin(
                        recordClass, slot, topology.Self.Id, map.MapOf(recordClass).Term(slot)));
        if (own.Count > 0)
            await AddAsync(own, cancellationToken);
    }

    /// <summary>The nodes that are home of slots that this node holds.</summary>
    public IReadOnlyList<NodeId> Sources()
    {
        lock (_lock)
            return Count().Sources;
    }

    /// <summary>How many slots of a source are not whole.</summary>
    public int LeftOf(NodeId source)
    {
        lock (_lock)
            return Count().Left.GetValueOrDefault(source);
    }

    /// <summary>The next slots to copy from a source, of one class and one kind; null: all are whole.</summary>
    public CopyTask? NextCopy(Topology map, NodeId source, int slotsMax, int replacedMax)
    {
        CopyTask? task = null;
        List<SlotId> slots = [];
        lock (_lock)
            foreach (var (recordClass, slot) in Held(map, source))
            {
                if (IsWhole(map.MapOf(recordClass), recordClass, slot))
                    continue;
                // Of a slot whose home has changed some may have come from the one before.
                var replaces = _origins.ContainsKey((recordClass, slot))
                    || map.MapOf(recordClass).Term(slot) > 1;
                task ??= new CopyTask(recordClass, slots, replaces);
                if (task.Class != recordClass || slots.Count == (task.Replaces ? replacedMax : slotsMax))
                    break;
                if (task.Replaces == replaces)
                    slots.Add(slot);
            }
        return task;
    }

    /// <summary>These slots are whole, by the map that they were copied under.</summary>
    public Task CopiedAsync(Topology map, ClassId recordClass, IEnumerable<SlotId> slots, NodeId source,
        CancellationToken cancellationToken) => AddAsync(
            [.. slots.Select(s => new SlotOrigin(recordClass, s, source, map.MapOf(recordClass).Term(s)))],
            cancellationToken);

    /// <summary>
    /// What was missed of a source is not known: its slots are copied anew, and replaced, not merged. What the source
    /// deleted meanwhile may be collected there, and nothing in a copy would tell of it.
    /// </summary>
    public async Task ForgetAsync(NodeId source, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            await state.ForgetAsync(source, cancellationToken);
            lock (_lock)
            {
                foreach (var slot in _origins.Where(o => o.Value.Home == source).Select(o => o.Key).ToList())
                    _origins[slot] = (source, SlotOrigin.NoTerm);
                _sums = null;
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task AddAsync(IReadOnlyList<SlotOrigin> origins, CancellationToken cancellationToken)
    {
        // One after another, and none goes back: a slot that was copied in a later term meanwhile would not be whole
        // any more, and nothing would copy it again.
        await _writing.WaitAsync(cancellationToken);
        try
        {
            List<SlotOrigin> later;
            lock (_lock)
                later = [.. origins.Where(o => !_origins.TryGetValue((o.Class, o.Slot), out var known)
                    || known.Term <= o.Term)];
            if (later.Count == 0)
                return;
            await state.WriteAsync(later, cancellationToken);
            lock (_lock)
            {
                foreach (var origin in later)
                    _origins[(origin.Class, origin.Slot)] = (origin.Home, origin.Term);
                _sums = null;
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    private Sums Count()
    {
        var map = topology.Current;
        if (_sums?.Map == map)
            return _sums;
        Dictionary<NodeId, int> left = [];
        foreach (var (recordClass, slot, home) in Held(map))
            left[home] = left.GetValueOrDefault(home) + (IsWhole(map.MapOf(recordClass), recordClass, slot) ? 0 : 1);
        return _sums = new Sums(
            map, [.. map.Nodes.Select(n => n.Id).Where(id => id != topology.Self.Id && left.ContainsKey(id))], left);
    }

    private bool IsWhole(SlotMap map, ClassId recordClass, SlotId slot) =>
        _origins.TryGetValue((recordClass, slot), out var origin)
        && origin.Home == map.Home(slot) && origin.Term == map.Term(slot);

    private IEnumerable<(ClassId Class, SlotId Slot)> Held(Topology map, NodeId home) =>
        Held(map).Where(held => held.Home == home).Select(held => (held.Class, held.Slot));

    /// <summary>S6: slots that this node holds, and whose class its region may hold.</summary>
    private IEnumerable<(ClassId Class, SlotId Slot, NodeId Home)> Held(Topology map)
    {
        foreach (var recordClass in map.Classes)
        {
            if (!topology.MayHold(recordClass, topology.Self.Region))
                continue;
            var slots = map.MapOf(recordClass.Id);
            for (short i = 0; i < SlotId.Count; i++)
            {
                SlotId slot = new(i);
                if (slots.Holds(topology.Self.Id, slot))
                    yield return (recordClass.Id, slot, slots.Home(slot));
            }
        }
    }

    /// <param name="Map">What was counted.</param>
    /// <param name="Sources">In the map's order.</param>
    /// <param name="Left">By home, of those that have slots here: how many are not whole.</param>
    private sealed record Sums(Topology Map, IReadOnlyList<NodeId> Sources, Dictionary<NodeId, int> Left);
}
