using Lepton.Sync.Homes;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Sealing;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>What must hold in the end. Each answers what is wrong, or null.</summary>
internal sealed class ClusterChecks(SimulatedCluster cluster)
{
    private ClusterWatch Watch => cluster.Watch;

    /// <summary>
    /// Every write that was answered as done is there, at its home; or it was lost by a promotion, and lies among the
    /// stranded ones, unless its key was written anew at the successor before the former home was back. One that was
    /// confirmed elsewhere is lost by none, unless the operator took it so. (S3, S4, P3)
    /// </summary>
    public string? Accounted()
    {
        foreach (var write in Watch.Operations.Where(o => o is { IsRead: false, End: OperationEnd.Done }))
        {
            var slot = SyncWorld.SlotOf(write.Key);
            if (Watch.Promotions.Find(p => IsOf(p, write.Key) && write.Version.Term < p.Term && !p.IsLossAccepted
                && FirstKept(write) > p.At + SyncSettings.Homes.LeaseTime * 1.5) is { } late)
                return $"a former home wrote and answered after its successor of term {late.Term} began: {write}";
            var loss = LossOf(write.Key, write.Version);
            if (loss is null)
            {
                var home = cluster.Nodes[cluster.Store.Current.MapOf(write.Key.Class).Home(slot).Value];
                var row = home.Database.Rows.Find(write.Key.Class, SyncWorld.StoredKey(write.Key));
                if (row is null || row.Version < write.Version)
                    return $"an answered write is not at its home {home.Node.Name}, which has {row?.Version}: {write}";
                continue;
            }
            if ((write.Durability.Zone || write.Durability.Regions.Count > 0) && !loss.IsLossAccepted)
                return $"a confirmed write was lost by the promotion to term {loss.Term}: {write}";
            var former = cluster.Nodes[loss.Former];
            // What had overwritten it there may stand for it.
            if (!former.IsLost && !former.Database.Rows.Stranded.Any(r => cluster.FindKey(r) == write.Key
                && r.Version >= write.Version && r.Version.Term < loss.Term) && !IsWrittenAnew(write.Key, loss))
                return $"a write that was left behind is not among the stranded ones of {former.Node.Name}: {write}";
        }
        return Watch.Operations.Where(o => o.End == OperationEnd.Refused && cluster.Nodes.Any(
            n => Watch.KeptAt(n.Number, o.Key).Any(r => r.RequestId == o.RequestId)))
            .Select(o => $"what was answered as not written is there: {o}").FirstOrDefault();
    }

    /// <summary>
    /// HOME reads and writes of each key are linearizable; where a promotion lost writes, before and after it. One that
    /// accepts losses fences those who answered it only (README.md): its keys are left out.
    /// </summary>
    public string? Linearizable()
    {
        foreach (var key in cluster.Keys.Where(k => k.Subject is null
            && !Watch.Promotions.Exists(p => IsOf(p, k) && p.IsLossAccepted)))
        {
            var losses = Watch.Promotions.Where(p => IsOf(p, key) && AreLost(p, key)).OrderBy(p => p.Term).ToList();
            for (var i = 0; i <= losses.Count; i++)
                if (!HoldsBetween(key, i == 0 ? null : losses[i - 1], i == losses.Count ? null : losses[i]))
                    return $"key {key} is not linearizable"
                        + (losses.Count > 0 ? $" (part {i + 1} of {losses.Count + 1})" : "");
        }
        return null;
    }

    /// <summary>Every replica of a slot has exactly what its home has.</summary>
    public string? Same()
    {
        foreach (var (recordClass, slot) in cluster.Keys.Select(k => (k.Class, SyncWorld.SlotOf(k))).Distinct())
        {
            var replicas = cluster.Store.Current.MapOf(recordClass).Replicas(slot).ToArray()
                .Select(n => cluster.Nodes[n.Value]).Where(n => !n.IsLost).ToList();
            foreach (var replica in replicas.Skip(1))
                if (DigestOf(replica) != DigestOf(replicas[0]))
                    return $"slot {recordClass.Value}/{slot.Value} is not the same at {replicas[0].Node.Name} and "
                        + $"{replica.Node.Name}:\n  {DigestOf(replicas[0])}\n  {DigestOf(replica)}";

            string DigestOf(SimulatedSyncNode node) => string.Join(' ', node.Database.Rows.All
                .Where(r => r.Class == recordClass && r.Slot == slot)
                .Select(r => $"{r.Version}:{Convert.ToHexStringLower(r.Sha256.Span[..4])}"));
        }
        return null;
    }

    /// <summary>An order that was answered and is not finished; where a node is lost it is PENDING for ever.</summary>
    public string? Unfinished()
    {
        foreach (var (id, subject, _) in cluster.Erasures)
            if (OrderOf(id) is not { } order)
                return cluster.Nodes.Any(n => n.IsLost) ? null : $"the order to erase {subject} is gone";
            else if (!order.IsFinished && !cluster.Nodes.Any(n => n.IsLost))
                return $"the order to erase {subject} is not finished";
        return null;
    }

    /// <summary>What a subject had before it was erased opens nowhere, with no key that there is. (S7)</summary>
    public string? Erased()
    {
        foreach (var (id, subject, began) in cluster.Erasures)
        {
            if (OrderOf(id) is not { IsFinished: true })
                continue;
            HashSet<Guid> before = [.. Watch.Operations.Where(o => !o.IsRead && o.Key.Subject == subject
                && o.End == OperationEnd.Done && o.Ended <= began).Select(o => o.RequestId)];
            var copies = cluster.Nodes.SelectMany(n => n.Database.Rows.All.Concat(n.Database.Rows.Stranded)
                .Concat(n.Database.Rows.Log.SelectMany(t => t.Records)));
            foreach (var copy in copies.Where(r => before.Contains(r.RequestId)))
                foreach (var node in cluster.Nodes)
                    if (node.Parts?.Sealer.Open(copy).State == OpenState.Opened)
                        return $"{subject} was erased, and {node.Node.Name} opens what it had: "
                            + Watch.Operations.Find(o => o.RequestId == copy.RequestId);
        }
        return null;
    }

    private Lepton.Sync.Erasure.Erasure? OrderOf(Guid id) => cluster.Nodes.Select(n => n.Database.Erasures
        .FirstOrDefault(e => e.Order.Id == id && e.Order.OrderedBy == n.Node.Name)).FirstOrDefault(e => e is not null);

    /// <summary>At once: who is named in an answer has it.</summary>
    public string? Placed(ClientOperation write)
    {
        var holders = cluster.Nodes.Where(n => Watch.KeptAt(n.Number, write.Key).Any(r => r.Version >= write.Version))
            .ToList();
        var homes = cluster.Nodes.Where(n => Watch.KeptAt(n.Number, write.Key).Any(
            r => r.Version == write.Version && r.RequestId == write.RequestId)).ToList();
        if (homes.Count == 0)
            return $"nobody has committed what was answered as done: {write}";
        foreach (var region in write.Durability.Regions)
            if (!holders.Any(n => n.Node.Region == region))
                return $"nobody in {region} has what was answered as confirmed there: {write}";
        if (write.Durability.Zone && holders.GroupBy(n => n.Node.Region).All(g => g.Count() < 2))
            return $"no second zone has what was answered as confirmed there: {write}";
        var replicas = ReplicaSet.Of(cluster.Store.Current, write.Key.Class, SyncWorld.SlotOf(write.Key));
        var isMet = write.Reason != HomeReason.Ok
            || (replicas.Ask(Levels.Safety(write.Level), write.OtherRegions) is { } demand
                && write.Durability.Regions.Count >= demand.Regions && (write.Durability.Zone || !demand.Zone));
        return isMet ? null : $"the answer does not say what was asked for: {write}";
    }

    /// <summary>The promotion that lost a version of a key; null: none did.</summary>
    private SlotPromotion? LossOf(SimulatedKey key, RecordVersion version) => Watch.Promotions.OrderBy(p => p.Term)
        .FirstOrDefault(p => IsOf(p, key) && version.Term < p.Term && version > LastBefore(p, key));

    private bool AreLost(SlotPromotion promotion, SimulatedKey key) => cluster.Nodes.Any(n =>
        Watch.KeptAt(n.Number, key).Any(r => LossOf(key, r.Version) == promotion));

    /// <summary>The last version of the terms before that the successor ever had: what it began with.</summary>
    private RecordVersion LastBefore(SlotPromotion promotion, SimulatedKey key) =>
        Watch.KeptAt(promotion.Successor, key).Where(r => r.Version.Term < promotion.Term)
            .Select(r => r.Version).DefaultIfEmpty(RecordVersion.None).Max();

    private TimeSpan FirstKept(ClientOperation write) => cluster.Nodes
        .SelectMany(n => Watch.KeptAt(n.Number, write.Key))
        .Where(r => r.Version == write.Version).Min(r => r.At);

    // A slot is replaced by what its new home has now: what that covers is not told from what it knew.
    private bool IsWrittenAnew(SimulatedKey key, SlotPromotion loss) =>
        Watch.KeptAt(loss.Former, key).Any(r => r.Version.Term >= loss.Term);

    private static bool IsOf(SlotPromotion promotion, SimulatedKey key) =>
        promotion.Class == key.Class && promotion.Slot == SyncWorld.SlotOf(key);

    private bool HoldsBetween(SimulatedKey key, SlotPromotion? after, SlotPromotion? before)
    {
        List<KeyOperation> history = [];
        if (after is not null)
            history.Add(new KeyOperation(-1, 0, KeyAction.Write, ValueOf(key, LastBefore(after, key))));
        foreach (var operation in Watch.Operations.Where(o => o.Key == key))
            foreach (var told in operation.IsRead || operation.End == OperationEnd.Conflict
                ? ReadsOf(operation, after, before)
                : WritesOf(operation, after, before))
                history.Add(told with { Began = Math.Max(told.Began, after?.At.Ticks ?? 0) });
        return Linearizability.Holds(history);
    }

    // The former home serves for the lease's time at most, its successor begins after half as long again.
    private IEnumerable<KeyOperation> ReadsOf(ClientOperation read, SlotPromotion? after, SlotPromotion? before)
    {
        if (read.End == OperationEnd.Unknown || read.Ended is not { } ended
            || (after is not null && ended <= after.At + SyncSettings.Homes.LeaseTime * 1.25)
            || (before is not null && ended > before.At + SyncSettings.Homes.LeaseTime * 1.25))
            yield break;
        // A conflict names what was there.
        var value = read.IsRead ? read.Value : ValueOf(read.Key, read.Version);
        yield return new KeyOperation(read.Began.Ticks, ended.Ticks, KeyAction.Read, value);
    }

    // Whether it was done, where nobody said so, is seen in the databases. One that was lost may be done again.
    private IEnumerable<KeyOperation> WritesOf(ClientOperation write, SlotPromotion? after, SlotPromotion? before)
    {
        foreach (var version in cluster.Nodes.SelectMany(n => Watch.KeptAt(n.Number, write.Key))
            .Where(r => r.RequestId == write.RequestId).Select(r => r.Version).Distinct())
        {
            if (version.Term < after?.Term || version.Term >= before?.Term)
                continue;
            var end = write.End == OperationEnd.Done && version == write.Version ? write.Ended?.Ticks : null;
            yield return write.Expected is { } expected
                ? new KeyOperation(
                    write.Began.Ticks, end, KeyAction.Exchange, write.Value, ValueOf(write.Key, expected))
                : new KeyOperation(write.Began.Ticks, end, KeyAction.Write, write.Value);
        }
    }

    private string? ValueOf(SimulatedKey key, RecordVersion version) =>
        version == RecordVersion.None ? null : Watch.WriterOf(key, version)?.Value;
}
