using Lepton.Sync.Placement;
using Lepton.Sync.Replication.Source;
using WriteLevel = Lepton.Sync.V1.WriteLevel;

namespace Lepton.Sync.Homes;

/// <summary>What a write waits for.</summary>
internal static class Levels
{
    /// <summary>A class's own: ANY_1 where it is in two regions or more, else ZONE.</summary>
    public static WriteLevel DefaultOf(RecordClass recordClass) =>
        recordClass.CopyRegions > 1 ? WriteLevel.Any : WriteLevel.Zone;

    /// <summary>Why the slot's replicas can never meet it; null: they can.</summary>
    public static string? Unreachable(WriteLevel level, int otherRegions, Topology topology, RecordAddress address)
    {
        var replicas = ReplicaSet.Of(topology, address.Class.Id, address.Slot);
        return replicas.Ask(Safety(level), otherRegions) is not null ? null
            : level == WriteLevel.Any
                ? $"takes at most {replicas.Regions.Count} other regions for class {address.Class.Name}"
                : $"takes another level: class {address.Class.Name} is in one zone of its home's region only";
    }

    /// <summary>The level as replication names it.</summary>
    public static SafetyLevel Safety(WriteLevel level) => level switch
    {
        WriteLevel.Local => SafetyLevel.Local,
        WriteLevel.Zone => SafetyLevel.Zone,
        WriteLevel.Any => SafetyLevel.Any,
        WriteLevel.Each => SafetyLevel.Each,
        _ => SafetyLevel.Default,
    };
}
