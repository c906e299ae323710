using System.Collections.Concurrent;
using System.Text;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Microsoft.Extensions.Options;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>A key that clients use.</summary>
/// <param name="Class">Of this class.</param>
/// <param name="Name">Its name.</param>
/// <param name="Subject">Whose records it has; null: nobody's, and nobody erases it.</param>
internal sealed record SimulatedKey(ClassId Class, string Name, string? Subject)
{
    public override string ToString() => $"{Class.Value}/{Name}";
}

/// <summary>
/// Three regions, five nodes, three classes: <c>open</c> everywhere, <c>shared</c> in two regions, <c>eu-only</c> in
/// one.
/// </summary>
internal static class SyncWorld
{
    public const string Tenant = "acme";

    public static readonly ClassId Open = new(0), Shared = new(1), EuOnly = new(2);

    private const string Policy = """
        {
          "version": 1,
          "dataClasses": {
            "public": { "regions": ["*"] },
            "shared": { "regions": ["eu-west", "us-east"] },
            "eu-personal": { "regions": ["eu-west"], "regulated": true }
          },
          "tenants": { "acme": { "floor": "public" } },
          "models": { "default": { "floor": "public" } }
        }
        """;

    private const string Classes = """
        {
          "version": 1,
          "classes": {
            "open": { "dataClass": "public", "keys": "clear" },
            "shared": { "dataClass": "shared" },
            "eu-only": { "dataClass": "eu-personal" }
          }
        }
        """;

    /// <summary>The classes as the planner of every node knows them.</summary>
    public static readonly TopologyPlanner Planner = new(
        new ClassDefinitions(Encoding.UTF8.GetBytes(Classes), Encoding.UTF8.GetBytes(Policy)),
        new PlacedOnce(new MinimumMovePlacement()));

    public static readonly PlacementOptions Placement = MakePlacement();

    private static readonly ConcurrentDictionary<SimulatedKey, (byte[] Stored, SlotId Slot)> Places = new();

    private static readonly Lazy<Topology> Whole = new(() => Planner.First(Placement.ToNodes()).Next
        ?? throw new InvalidOperationException("The simulated world has no topology."));

    /// <summary>32 bytes; a copy each time, since whoever takes it zeroes it.</summary>
    public static byte[] BlindingSecret => [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    /// <summary>
    /// The planner's map, but for the slots that nobody uses: those have one replica, so that nothing is spent on them.
    /// </summary>
    public static Topology Map(IEnumerable<SimulatedKey> keys)
    {
        var used = keys.Select(k => (k.Class, SlotOf(k))).ToHashSet();
        var whole = Whole.Value;
        return new Topology(1, whole.Classes, whole.Nodes, [.. whole.Classes.Select(c =>
        {
            var map = whole.MapOf(c.Id);
            NodeId[] quiet = [whole.Nodes.First(n => c.Allows(n.Region)).Id];
            return new SlotMap(
                [.. Slots.Select(s => used.Contains((c.Id, s)) ? map.Replicas(s).ToArray() : quiet)],
                [.. Slots.Select(map.Term)]);
        })]);
    }

    public static ReadOnlyMemory<byte> StoredKey(SimulatedKey key) => PlaceOf(key).Stored;

    public static SlotId SlotOf(SimulatedKey key) => PlaceOf(key).Slot;

    private static (byte[] Stored, SlotId Slot) PlaceOf(SimulatedKey key) => Places.GetOrAdd(key, k =>
    {
        var stored = Whole.Value[k.Class].Keys == KeyForm.Blind
            ? new BlindingKey(BlindingSecret).OfKey(k.Class, Tenant, k.Name)
            : Encoding.UTF8.GetBytes($"{Tenant}/{k.Name}");
        return (stored, KeyHash.SlotOf(stored));
    });

    private static IEnumerable<SlotId> Slots => Enumerable.Range(0, SlotId.Count).Select(i => new SlotId((short)i));

    // Every start of every node proposes the same map: making it takes longer than all else of a start.
    private sealed class PlacedOnce(IPlacementStrategy strategy) : IPlacementStrategy
    {
        private readonly ConcurrentDictionary<string, SlotMap> _placed = new();

        public string Name => strategy.Name;

        public SlotId SlotOf(ReadOnlySpan<byte> storedKey, int homes) => strategy.SlotOf(storedKey, homes);

        public SlotMap Place(RecordClass recordClass, IReadOnlyList<SyncNode> nodes, SlotMap? previous, long epoch) =>
            _placed.GetOrAdd($"{recordClass.Name} {epoch}", _ => strategy.Place(recordClass, nodes, previous, epoch));
    }

    private static PlacementOptions MakePlacement()
    {
        PlacementOptions options = new() { Topology = SyncSettings.Topology };
        foreach (var (region, zone) in (IEnumerable<(string, string)>)[
            ("eu-west", "a"), ("eu-west", "b"), ("us-east", "a"), ("us-east", "b"), ("ap-south", "a")])
            options.Nodes.Add(new NodeOptions { Region = region, Zone = zone, Url = "https://x" });
        return options;
    }
}
