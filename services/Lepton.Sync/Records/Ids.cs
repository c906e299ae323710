namespace Lepton.Sync.Records;

/// <summary>A record class by its number in the topology, from 0; never given to another class.</summary>
internal readonly record struct ClassId(short Value);

/// <summary>One of a class's 4,096 slots, 0 to 4,095: where a key belongs.</summary>
internal readonly record struct SlotId(short Value)
{
    /// <summary>Slots of every class.</summary>
    public const int Count = 4096;
}

/// <summary>A node by its number in the topology, from 0; never given to another node.</summary>
internal readonly record struct NodeId(short Value);

/// <summary>A data key: 16 random bytes.</summary>
internal readonly record struct KeyId(Guid Value)
{
    /// <summary>No key: the record has no sealed body.</summary>
    public static KeyId None => default;
}

/// <summary>
/// A place in a node's write-ahead log: the end of a commit (PostgreSQL's LSN). Positions of different nodes, or of
/// different timelines of one, cannot be compared.
/// </summary>
internal readonly record struct LogPosition(ulong Value) : IComparable<LogPosition>
{
    public int CompareTo(LogPosition other) => Value.CompareTo(other.Value);

    public static bool operator <(LogPosition a, LogPosition b) => a.Value < b.Value;

    public static bool operator >(LogPosition a, LogPosition b) => a.Value > b.Value;

    public static bool operator <=(LogPosition a, LogPosition b) => a.Value <= b.Value;

    public static bool operator >=(LogPosition a, LogPosition b) => a.Value >= b.Value;
}
