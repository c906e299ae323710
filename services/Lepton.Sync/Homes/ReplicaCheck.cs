using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using WriteLevel = Lepton.Sync.V1.WriteLevel;

namespace Lepton.Sync.Homes;

/// <summary>
/// Asks a slot's replicas whether they have a version: for a write that was repeated, whose own transaction nobody waits
/// for any more.
/// </summary>
internal sealed class ReplicaCheck(ITopologySource topology, IPeers peers, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>Until the level is met, or the caller has waited enough.</summary>
    public async Task<ConfirmedWrite> WaitAsync(
        RecordAddress address, RecordVersion version, WriteLevel level, int otherRegions,
        CancellationToken cancellationToken)
    {
        HashSet<NodeId> have = [];
        while (true)
        {
            var now = topology.Current;
            var replicas = now.MapOf(address.Class.Id).Replicas(address.Slot).ToArray();
            try
            {
                foreach (var replica in replicas[1..].Where(r => !have.Contains(r)))
                    if (await HasAsync(now, now[replica], address, version, cancellationToken))
                        have.Add(replica);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
            }
            var confirmed = Sum(now, replicas, have, level, otherRegions);
            if (confirmed.Met || cancellationToken.IsCancellationRequested)
                return confirmed;
            try
            {
                await Task.Delay(Interval, time, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return confirmed;
            }
        }
    }

    private async Task<bool> HasAsync(
        Topology now, SyncNode node, RecordAddress address, RecordVersion version, CancellationToken cancellationToken)
    {
        ScanRange range = new(address.Class.Id, [address.Slot], address.StoredKey, default, Tombstones: true);
        var reply = await peers.ScanAsync(node, now.Epoch, range, 1, home: false, cancellationToken);
        return reply.Reason == HomeReason.Ok && reply.Rows is [{ } row]
            && row.Key.Span.SequenceEqual(address.StoredKey.Span) && row.Version >= version;
    }

    private static ConfirmedWrite Sum(
        Topology now, NodeId[] replicas, HashSet<NodeId> have, WriteLevel level, int otherRegions)
    {
        var home = now[replicas[0]].Region;
        var zone = replicas[1..].Any(r => have.Contains(r) && now[r].Region == home);
        string[] regions =
        [
            .. have.Select(r => now[r].Region).Where(r => r != home).Distinct().Order(StringComparer.Ordinal),
        ];
        var all = replicas[1..].Select(r => now[r].Region).Where(r => r != home).Distinct().Count();
        return new ConfirmedWrite(
            level switch
            {
                WriteLevel.Zone => zone,
                WriteLevel.Any => regions.Length >= otherRegions,
                WriteLevel.Each => regions.Length == all,
                _ => true,
            },
            zone, regions);
    }
}
