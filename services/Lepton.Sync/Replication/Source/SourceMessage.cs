using Lepton.Sync.Records;

namespace Lepton.Sync.Replication.Source;

/// <summary>What a source says on a stream: one of those below. (peer_service.proto, ReplicateResponse.)</summary>
/// <param name="Epoch">The source's.</param>
/// <param name="Position">Nothing that concerns the receiver is older and not sent.</param>
/// <param name="SourceTime">What the source had committed by then is at most the position; null: not known.</param>
internal abstract record SourceMessage(long Epoch, LogPosition Position, DateTimeOffset? SourceTime);

/// <summary>Always first: the stream begins after the position.</summary>
internal sealed record SourceBegin(long Epoch, LogPosition Position, string Timeline)
    : SourceMessage(Epoch, Position, null);

/// <summary>Rows, in commit order.</summary>
/// <param name="Batch">A serialized RecordBatch.</param>
/// <param name="Crc">CRC-32C of it.</param>
internal sealed record SourceFrame(
    long Epoch, LogPosition Position, DateTimeOffset? SourceTime, ReadOnlyMemory<byte> Batch, uint Crc)
    : SourceMessage(Epoch, Position, SourceTime);

/// <summary>Nothing, but how far it is.</summary>
internal sealed record SourceBeat(long Epoch, LogPosition Position, DateTimeOffset? SourceTime)
    : SourceMessage(Epoch, Position, SourceTime);

/// <summary>The stream ends.</summary>
internal sealed record SourceEnd(long Epoch, StreamEnd Reason) : SourceMessage(Epoch, default, null);

/// <summary>Why a stream ends, or does not begin.</summary>
internal enum StreamEnd
{
    /// <summary>The spool does not hold what comes after the position: copy.</summary>
    PositionLost,

    /// <summary>Another stream of the same receiver has begun.</summary>
    Superseded,

    /// <summary>No such node in the map.</summary>
    NodeUnknown,

    /// <summary>The caller is not of the region that the map has for the node it says it is.</summary>
    NotAllowed,

    /// <summary>Nothing has been captured here yet.</summary>
    NotReady,
}

/// <summary>Rows of one slot.</summary>
/// <param name="Slot">Which.</param>
/// <param name="Batch">A serialized RecordBatch.</param>
/// <param name="Crc">CRC-32C of it.</param>
/// <param name="IsLast">The slot is complete with them.</param>
internal sealed record CopiedRows(SlotId Slot, ReadOnlyMemory<byte> Batch, uint Crc, bool IsLast);

/// <summary>Whether slots can be copied.</summary>
internal enum CopyVerdict
{
    /// <summary>Go on.</summary>
    Allowed,

    /// <summary>No such node in the map.</summary>
    NodeUnknown,

    /// <summary>The caller is not of that node's region.</summary>
    NotAllowed,

    /// <summary>The class may not be held in the caller's region, or the node does not hold the slots.</summary>
    ResidencyRefused,

    /// <summary>This node is not home of the slots.</summary>
    NotHome,

    /// <summary>The caller has a newer map, and the topology store does not answer.</summary>
    MapUnavailable,
}
