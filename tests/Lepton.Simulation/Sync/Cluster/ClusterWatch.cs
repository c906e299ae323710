using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Replication.Source;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>A row that a node committed.</summary>
internal readonly record struct KeptRow(RecordVersion Version, Guid RequestId, TimeSpan At);

/// <summary>A slot that got another home.</summary>
/// <param name="Class">Of this class.</param>
/// <param name="Slot">Which.</param>
/// <param name="Term">The new home's.</param>
/// <param name="Former">The home before.</param>
/// <param name="Successor">The home since.</param>
/// <param name="At">When the store took it.</param>
/// <param name="IsLossAccepted">The operator took it that writes may be lost.</param>
internal sealed record SlotPromotion(
    ClassId Class, SlotId Slot, long Term, int Former, int Successor, TimeSpan At, bool IsLossAccepted);

/// <summary>
/// Sees everything that happens, and says at once what must never: a row, or a key, where its class may not be (S6); a
/// row that nobody wrote; a part of a node that ended.
/// </summary>
internal sealed class ClusterWatch(SimulatedCluster cluster)
{
    private readonly Dictionary<(int Node, SimulatedKey Key), List<KeptRow>> _kept = [];
    private readonly List<string> _events = [];

    /// <summary>The first thing that was wrong; null: nothing.</summary>
    public string? Violation { get; private set; }

    public List<ClientOperation> Operations { get; } = [];

    public List<SlotPromotion> Promotions { get; } = [];

    /// <summary>What happened, in order.</summary>
    public IReadOnlyList<string> Events => _events;

    public void Say(string text) => _events.Add($"{cluster.Machine.Elapsed.TotalSeconds,8:F3} {text}");

    public void Fail(string text)
    {
        Say("VIOLATION: " + text);
        Violation ??= text;
    }

    /// <summary>Every version of a key that a node ever committed, in its order.</summary>
    public IReadOnlyList<KeptRow> KeptAt(int node, SimulatedKey key) => _kept.GetValueOrDefault((node, key)) ?? [];

    /// <summary>The write that made a version; null: none of a client's (an erasure's tombstone).</summary>
    public ClientOperation? WriterOf(SimulatedKey key, RecordVersion version)
    {
        foreach (var node in cluster.Nodes)
            foreach (var row in KeptAt(node.Number, key))
                if (row.Version == version)
                    return Operations.Find(o => o.RequestId == row.RequestId && o.RequestId != Guid.Empty);
        return null;
    }

    public void RowKept(SimulatedSyncNode node, StoredRecord record)
    {
        var recordClass = cluster.Store.Current[record.Class];
        if (!recordClass.Allows(node.Node.Region)
            || !cluster.Store.Current.MapOf(record.Class).Holds(node.Node.Id, record.Slot))
            Fail($"{node.Node.Name} has a row of class {recordClass.Name}, slot {record.Slot.Value}");
        if (cluster.FindKey(record) is not { } key)
        {
            Fail($"{node.Node.Name} has a row of a key that nobody wrote");
            return;
        }
        if (!_kept.TryGetValue((node.Number, key), out var rows))
            _kept[(node.Number, key)] = rows = [];
        rows.Add(new KeptRow(record.Version, record.RequestId, cluster.Machine.Elapsed));
        if (Operations.Find(o => o.RequestId == record.RequestId && o.RequestId != Guid.Empty) is
            { End: OperationEnd.Refused } refused)
            Fail($"what was answered as not written is at {node.Node.Name}: {refused}");
    }

    public void KeyKept(SimulatedSyncNode node, ClassId id)
    {
        var recordClass = cluster.Store.Current[id];
        if (!recordClass.Allows(node.Node.Region))
            Fail($"{node.Node.Name} has a data key of class {recordClass.Name}");
    }

    public void Sent(SourceMessage message, SimulatedSyncNode from, SimulatedSyncNode to)
    {
        if (message is SourceFrame frame)
            MayLeave(RowCodec.Decode(frame.Batch), from.Node.Name, to);
    }

    public void Copied(IReadOnlyList<CopiedRows> copied, SimulatedSyncNode to)
    {
        foreach (var rows in copied)
            MayLeave(RowCodec.Decode(rows.Batch), "a home", to);
    }

    public void Changed(Topology before, Topology next)
    {
        foreach (var recordClass in next.Classes)
        {
            var (former, map) = (before.MapOf(recordClass.Id), next.MapOf(recordClass.Id));
            foreach (var slot in cluster.Keys.Where(k => k.Class == recordClass.Id).Select(SyncWorld.SlotOf).Distinct())
                if (former.Term(slot) != map.Term(slot))
                    Promotions.Add(new SlotPromotion(recordClass.Id, slot, map.Term(slot), former.Home(slot).Value,
                        map.Home(slot).Value, cluster.Machine.Elapsed, cluster.IsLossAccepted));
        }
        Say($"topology {next.Epoch}: " + string.Join(", ", Promotions.Where(p => p.Term == next.Epoch).Select(
            p => $"{p.Class.Value}/{p.Slot.Value} to {cluster.Nodes[p.Successor].Node.Name}")));
    }

    private void MayLeave(List<StoredRecord>? rows, string from, SimulatedSyncNode to)
    {
        foreach (var row in rows ?? [])
            if (!cluster.Store.Current[row.Class].Allows(to.Node.Region))
                Fail($"{from} sends a row of class {cluster.Store.Current[row.Class].Name} to {to.Node.Name}");
    }
}
