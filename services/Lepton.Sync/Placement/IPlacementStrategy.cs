using Lepton.Sync.Records;

namespace Lepton.Sync.Placement;

/// <summary>
/// A way to give keys slots and slots replicas. Deterministic: the same input gives the same map, in whichever order
/// the nodes come.
/// </summary>
internal interface IPlacementStrategy
{
    /// <summary>As configured, e.g. <c>minimum-move</c>.</summary>
    string Name { get; }

    /// <summary>The slot of a stored key where this many nodes (1 to 4,096) may be home.</summary>
    SlotId SlotOf(ReadOnlySpan<byte> storedKey, int homes);

    /// <summary>The map of a class over these nodes. Only nodes of the class's regions are ever in it.</summary>
    /// <param name="recordClass">Its regions, copies and home region.</param>
    /// <param name="nodes">All that may be used; those of other regions are passed over. No name twice.</param>
    /// <param name="previous">The map now; null: there is none. Its nodes need not be there any more.</param>
    /// <param name="epoch">The new map's: the term of slots whose home changes.</param>
    /// <exception cref="PlacementException">No node may be home; says of which class.</exception>
    SlotMap Place(RecordClass recordClass, IReadOnlyList<SyncNode> nodes, SlotMap? previous, long epoch);
}

/// <summary>A class cannot be placed on the nodes there are: the message names both.</summary>
internal sealed class PlacementException(string message) : Exception(message);

/// <summary>The strategies by name.</summary>
internal static class PlacementStrategies
{
    public const string Default = MinimumMovePlacement.StrategyName;

    public static IReadOnlyList<IPlacementStrategy> All { get; } =
        [new MinimumMovePlacement(), new RendezvousPlacement(), new ModuloPlacement()];

    public static IPlacementStrategy? Find(string name) => All.FirstOrDefault(s => s.Name == name);
}
