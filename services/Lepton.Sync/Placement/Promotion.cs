using Lepton.Sync.Records;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Placement;

/// <summary>What a promotion changes.</summary>
/// <param name="Next">The topology after it; the one before where nothing is promoted.</param>
/// <param name="Promoted">How many slots, over all classes, each node became home of.</param>
/// <param name="WaitingSlots">Slots that have no other replica that answered: they wait for the old home.</param>
internal sealed record PromotionPlan(Topology Next, IReadOnlyDictionary<NodeId, int> Promoted, int WaitingSlots);

/// <summary>
/// Makes replicas homes where the home is gone. A pure function: that the old home serves no more is the caller's to
/// see to. New homes are replicas, so only in regions that the class allows (S6).
/// </summary>
internal static class Promotion
{
    /// <summary>
    /// For each slot whose home is gone, the replica that has come furthest on the gone home's timeline becomes home;
    /// between equals one of the gone home's region, then the first in the slot's list. The old home goes to the list's
    /// end, the rest keep their order; the term is the new epoch.
    /// </summary>
    /// <param name="topology">The one now.</param>
    /// <param name="gone">The node that is gone.</param>
    /// <param name="timeline">The gone home's last timeline.</param>
    /// <param name="progress">
    /// Of each replica that answered how far it has applied the gone home's changes. Who is absent did not answer and
    /// becomes no home; who has come far on another timeline has come nowhere on this one.
    /// </param>
    public static PromotionPlan Plan(
        Topology topology, NodeId gone, string timeline, IReadOnlyDictionary<NodeId, SourceProgress> progress)
    {
        var epoch = topology.Epoch + 1;
        Dictionary<NodeId, int> promoted = [];
        var waiting = 0;
        List<SlotMap> maps = [];
        foreach (var recordClass in topology.Classes)
        {
            var map = topology.MapOf(recordClass.Id);
            var replicas = new NodeId[SlotId.Count][];
            var terms = new long[SlotId.Count];
            for (short i = 0; i < SlotId.Count; i++)
            {
                var slot = new SlotId(i);
                (replicas[i], terms[i]) = (map.Replicas(slot).ToArray(), map.Term(slot));
                if (map.Home(slot) != gone)
                    continue;
                if (Successor(replicas[i]) is not { } successor)
                {
                    waiting++;
                    continue;
                }
                replicas[i] = [successor, .. replicas[i].Where(n => n != successor && n != gone), gone];
                terms[i] = epoch;
                promoted[successor] = promoted.GetValueOrDefault(successor) + 1;
            }
            maps.Add(new SlotMap(replicas, terms));
        }
        var next = promoted.Count == 0 ? topology : new Topology(epoch, topology.Classes, topology.Nodes, maps);
        return new PromotionPlan(next, promoted, waiting);

        // The list's order decides between equals: MaxBy keeps the first.
        NodeId? Successor(NodeId[] list) => list.Where(n => n != gone && progress.ContainsKey(n))
            .Select(n => (NodeId?)n)
            .MaxBy(n => n is { } node ? (Position(progress[node]), IsNear(node)) : default);
        ulong Position(SourceProgress p) => p.Source == gone && p.Timeline == timeline ? p.Position.Value : 0;
        bool IsNear(NodeId node) => topology[node].Region == topology[gone].Region;
    }
}
