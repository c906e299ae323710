using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Sync.Tests.Sealing;

/// <summary>A topology that stays: a blind and a clear class, one node a region, every node holds all.</summary>
internal sealed class FixedTopology(string self, params string[] regions) : ITopologySource
{
    public static readonly ClassId Blind = new(0), Clear = new(1);

    public Topology Current { get; } = Make(regions.Length == 0 ? [self] : regions);

    public SyncNode Self => Current.Nodes.Single(n => n.Region == self);

    public long? ConfirmedAt => 0;

    public event Action<Topology>? Changed
    {
        add { }
        remove { }
    }

    public Task RefreshAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static Topology Make(string[] regions)
    {
        NodeId[] nodes = [.. regions.Select((_, i) => new NodeId((short)i))];
        SlotMap map = new(
            [.. Enumerable.Repeat(nodes, SlotId.Count)], [.. Enumerable.Repeat(1L, SlotId.Count)]);
        return new Topology(1,
        [
            new RecordClass(Blind, "personal", "eu-personal", regions, regions.Length, 2, null, KeyForm.Blind),
            new RecordClass(Clear, "global", "public", regions, regions.Length, 2, null, KeyForm.Clear),
        ], [.. regions.Select((r, i) => new SyncNode(new NodeId((short)i), r, "a", 100))], [map, map]);
    }
}
