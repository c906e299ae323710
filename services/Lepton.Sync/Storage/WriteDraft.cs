using Lepton.Sync.Records;

namespace Lepton.Sync.Storage;

/// <summary>A write that its home has let through, before it has a version.</summary>
internal sealed record WriteDraft
{
    public required ClassId Class { get; init; }

    public required SlotId Slot { get; init; }

    /// <summary>The stored key, 1 to 1,088 bytes.</summary>
    public required ReadOnlyMemory<byte> Key { get; init; }

    /// <summary>Since which epoch this node is the slot's home.</summary>
    public required long Term { get; init; }

    public required RecordKind Kind { get; init; }

    /// <summary>The version there must be now; None: no value there; null: whatever there is.</summary>
    public RecordVersion? Expected { get; init; }

    /// <summary>The client's id of the write; empty: none. It counts for this key alone.</summary>
    public Guid RequestId { get; init; }

    /// <summary>About how many bytes the row will have, for the bound of a batch.</summary>
    public required int Bytes { get; init; }

    /// <summary>
    /// Makes the row once its version is known: called when a batch is formed, once, on the way of all writes of the
    /// batch, so it only computes. What it throws is its own write's alone.
    /// </summary>
    public required Func<RecordVersion, StoredRecord> Seal { get; init; }
}

/// <summary>What became of a write.</summary>
internal enum HomeOutcomeKind
{
    /// <summary>Committed and durable here.</summary>
    Done,

    /// <summary>The row is another than expected, or of a later version: nothing was written.</summary>
    Conflict,

    /// <summary>An earlier write of the key had its request id; nothing was written again.</summary>
    Repeated,

    /// <summary>The database does not answer, or the node stops: nothing was written.</summary>
    NotDone,

    /// <summary>It may have been written, and may still be. Only its request id can tell, later.</summary>
    Unknown,

    /// <summary>More writes wait than <c>Sync:Storage:WritesWaitingMax</c>: nothing was written.</summary>
    Overloaded,

    /// <summary>The caller gave up before it was in a batch: nothing was or will be written.</summary>
    Cancelled,
}

/// <param name="Kind">What became of it.</param>
/// <param name="Version">Done: the write's; Repeated: the first write's; Conflict: the value's that is there (None:
/// none); else None.</param>
/// <param name="TransactionId">Done, Repeated: change capture shows a commit under this xid, with the write or after
/// it; else 0.</param>
internal readonly record struct HomeOutcome(HomeOutcomeKind Kind, RecordVersion Version, uint TransactionId)
{
    public HomeOutcome(HomeOutcomeKind kind) : this(kind, RecordVersion.None, 0)
    {
    }
}
