using Lepton.Sync.Records;

namespace Lepton.Sync.Storage;

/// <summary>
/// The rows of one node, durable when a call returns. Real: PostgreSQL. Simulated: memory with crashes. Everything else
/// of Sync stands on this and knows no SQL.
/// </summary>
internal interface IRecordStore
{
    /// <summary>The row of each key, tombstones too; null where there is none. In the order of the keys.</summary>
    Task<IReadOnlyList<StoredRecord?>> ReadAsync(
        ClassId recordClass, IReadOnlyList<ReadOnlyMemory<byte>> keys, CancellationToken cancellationToken);

    /// <summary>
    /// A home's own writes, each key once, in one transaction: each is done, refused because the row is not the
    /// expected one, or known from an earlier try by its request id.
    /// </summary>
    Task<HomeCommit> WriteAsync(IReadOnlyList<HomeWrite> writes, CancellationToken cancellationToken);

    /// <summary>
    /// What a source's home committed, in its order, with how far that is, in one transaction. A row that is not newer
    /// than what is there changes nothing, progress never goes back, and a batch from before it comes late and changes
    /// nothing at all: what superseded its rows may be collected.
    /// </summary>
    Task ApplyAsync(
        SourceProgress progress, IReadOnlyList<StoredRecord> records, CancellationToken cancellationToken);

    /// <summary>How far each source has been applied.</summary>
    Task<IReadOnlyList<SourceProgress>> ReadProgressAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Rows of these slots (null: of all) in the order of their keys, with a prefix, after a key (empty: from the
    /// start); tombstones only where asked for. Fewer than <paramref name="limit"/>: that was all.
    /// </summary>
    Task<IReadOnlyList<StoredRecord>> ScanAsync(ScanRange range, int limit, CancellationToken cancellationToken);

    /// <summary>Values sealed with one of these keys, after a place (null: from the start), in a fixed order.</summary>
    Task<IReadOnlyList<StoredRecord>> ReadSealedAsync(
        IReadOnlyList<KeyId> keyIds, StoredRecord? after, int limit, CancellationToken cancellationToken);

    /// <summary>The greatest clock of any row: a home never counts below it.</summary>
    Task<long> ReadGreatestClockAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Takes tombstones away that are older than <paramref name="before"/> (by clock) in slots that this node is home
    /// of or holds; who calls has seen that every replica confirmed them. At most <paramref name="limit"/>.
    /// </summary>
    Task<int> DropTombstonesAsync(
        ClassId recordClass, IReadOnlyList<SlotId> slots, long before, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// After a promotion that this node was not asked for: makes a slot what its new home says it is. Rows that the
    /// home lacks, or has in an older version, are moved to the table of stranded writes, never just dropped; but for
    /// tombstones of what the home does not know.
    /// </summary>
    /// <returns>How many were stranded.</returns>
    Task<int> ReplaceSlotAsync(
        ClassId recordClass, SlotId slot, IReadOnlyList<StoredRecord> rows, CancellationToken cancellationToken);
}

/// <summary>The write-ahead log that change capture reads.</summary>
internal interface ILogEnd
{
    /// <summary>Where it ends now: beyond everything that is committed.</summary>
    Task<LogPosition> ReadLogEndAsync(CancellationToken cancellationToken);
}

/// <summary>One write of a home.</summary>
/// <param name="Record">The row as it will be.</param>
/// <param name="Expected">The version there must be now; None: no value there; null: whatever there is.</param>
internal sealed record HomeWrite(StoredRecord Record, RecordVersion? Expected);

/// <summary>What became of one write.</summary>
internal enum HomeVerdict
{
    /// <summary>Committed.</summary>
    Done,

    /// <summary>The row is another than expected, or newer than the write: nothing was written.</summary>
    Conflict,

    /// <summary>An earlier write had this request id; nothing was written again.</summary>
    Repeated,
}

/// <param name="Verdict">What became of it.</param>
/// <param name="Version">The write's; of a conflict the value's that is there (None: none); of a repetition the first
/// write's.</param>
internal readonly record struct HomeWriteResult(HomeVerdict Verdict, RecordVersion Version);

/// <param name="TransactionId">PostgreSQL's xid: change capture will show the commit under it.</param>
/// <param name="Results">In the order of the writes.</param>
internal sealed record HomeCommit(uint TransactionId, IReadOnlyList<HomeWriteResult> Results);

/// <param name="Source">Whose changes.</param>
/// <param name="Timeline">What its positions count in.</param>
/// <param name="Position">Everything to here is applied.</param>
internal sealed record SourceProgress(NodeId Source, string Timeline, LogPosition Position);

/// <param name="Class">Of this class.</param>
/// <param name="Slots">Of these slots, null: of all.</param>
/// <param name="Prefix">What stored keys begin with; empty: all.</param>
/// <param name="After">Greater stored keys only; empty: all.</param>
/// <param name="Tombstones">Tombstones too.</param>
internal sealed record ScanRange(
    ClassId Class, IReadOnlyList<SlotId>? Slots, ReadOnlyMemory<byte> Prefix, ReadOnlyMemory<byte> After,
    bool Tombstones);
