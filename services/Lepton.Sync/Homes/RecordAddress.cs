using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;

namespace Lepton.Sync.Homes;

/// <summary>A record, found: its class, its key in clear and as stored, its slot.</summary>
internal sealed record RecordAddress(
    RecordClass Class, string Tenant, string Key, ReadOnlyMemory<byte> StoredKey, SlotId Slot);

/// <summary>A put or a delete that has been checked.</summary>
internal sealed record WriteCommand
{
    public required RecordAddress Address { get; init; }

    public required RecordKind Kind { get; init; }

    /// <summary>Empty for a tombstone.</summary>
    public required ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>None: there must be no value; null: whatever there is.</summary>
    public required RecordVersion? Expected { get; init; }

    /// <summary>Null: nobody's, or whose the digest says.</summary>
    public required string? Subject { get; init; }

    /// <summary>Whose, where only that is known: a stranded write that is put back.</summary>
    public SubjectDigest? SubjectDigest { get; init; }

    /// <summary>Empty: none.</summary>
    public required Guid RequestId { get; init; }
}

/// <summary>What a write waits for.</summary>
/// <param name="Level">UNSPECIFIED: the class's own.</param>
/// <param name="OtherRegions">With ANY; 1 or more.</param>
internal readonly record struct LevelWish(V1.WriteLevel Level, int OtherRegions);

/// <summary>How safe a write is by now.</summary>
/// <param name="Committed">At its home.</param>
/// <param name="Zone">In a second zone of the home's region.</param>
/// <param name="Regions">In these other regions, in ordinal order.</param>
internal sealed record Durability(bool Committed, bool Zone, IReadOnlyList<string> Regions)
{
    public static Durability None { get; } = new(false, false, []);
}

/// <summary>How a write or a read went.</summary>
internal enum HomeReason
{
    /// <summary>As asked for.</summary>
    Ok,

    /// <summary>The record has another version than expected.</summary>
    Conflict,

    /// <summary>Written, and not confirmed as widely as asked in time.</summary>
    Unconfirmed,

    /// <summary>It may have been written.</summary>
    OutcomeUnknown,

    /// <summary>The home cannot be asked, or may not serve now: nothing was written.</summary>
    HomeUnavailable,

    /// <summary>More waits than the node holds: nothing was written.</summary>
    Overloaded,

    /// <summary>The database does not answer: nothing was written.</summary>
    DatabaseUnavailable,

    /// <summary>The home holds as many data keys as it may: nothing was written.</summary>
    KeysFull,

    /// <summary>The home's data keys cannot be written: nothing was written.</summary>
    KeysUnavailable,

    /// <summary>Between nodes: the sender's map is old.</summary>
    EpochStale,

    /// <summary>Between nodes: the receiver is not the home.</summary>
    NotHome,
}

/// <summary>What became of a write.</summary>
/// <param name="Reason">How it went.</param>
/// <param name="Version">The write's; of a conflict the one that is there.</param>
/// <param name="Repeated">It had been written by an earlier call.</param>
/// <param name="Durability">How safe it is by now.</param>
internal sealed record WriteReply(HomeReason Reason, RecordVersion Version, bool Repeated, Durability Durability)
{
    public static WriteReply Failed(HomeReason reason) => new(reason, RecordVersion.None, false, Durability.None);
}

/// <summary>What a home read.</summary>
/// <param name="Reason">How it went.</param>
/// <param name="Rows">In the order of the keys, null where there is none; empty unless Ok.</param>
internal sealed record ReadReply(HomeReason Reason, IReadOnlyList<StoredRecord?> Rows)
{
    public static ReadReply Failed(HomeReason reason) => new(reason, []);
}
