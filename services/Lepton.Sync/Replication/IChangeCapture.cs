using Lepton.Sync.Records;

namespace Lepton.Sync.Replication;

/// <summary>
/// The database's committed changes of rows, in commit order: its write-ahead log decoded. An implementation for
/// PostgreSQL is here; databases that speak its protocol and capture changes otherwise come behind the same interface.
/// </summary>
internal interface IChangeCapture
{
    /// <summary>
    /// First where it begins (<see cref="CaptureBegun"/>), then every transaction from the last confirmed place on, for
    /// as long as it is read. Afterwards, or after an error, it is called again. Transactions may come again.
    /// </summary>
    IAsyncEnumerable<CaptureEvent> ReadAsync(CancellationToken cancellationToken);

    /// <summary>What is up to here is durable elsewhere: the database may forget it.</summary>
    Task ConfirmAsync(LogPosition position, CancellationToken cancellationToken);
}

/// <summary>What change capture tells: one of the four below.</summary>
internal abstract record CaptureEvent;

/// <summary>The place in the log was lost: what was not read yet never is. A new timeline begins.</summary>
/// <param name="Reason">For people.</param>
internal sealed record CaptureLost(string Reason) : CaptureEvent;

/// <summary>Always first: where it begins.</summary>
/// <param name="Timeline">What positions count in: another whenever the database, or its log, is another.</param>
/// <param name="Position">What is after here comes, in order, without a gap.</param>
/// <param name="LogEnd">Where the log ended at that moment. No position beyond was ever given out on this
/// timeline.</param>
internal sealed record CaptureBegun(string Timeline, LogPosition Position, LogPosition LogEnd) : CaptureEvent;

/// <param name="TransactionId">PostgreSQL's xid (32 bits).</param>
/// <param name="Position">The end of its commit; of a piece that is not the last, a place before that.</param>
/// <param name="CommitTime">When it was committed, by the database's clock.</param>
/// <param name="Records">The rows it wrote, in order.</param>
internal sealed record CapturedTransaction(
    uint TransactionId, LogPosition Position, DateTimeOffset CommitTime, IReadOnlyList<StoredRecord> Records)
    : CaptureEvent
{
    /// <summary>
    /// False: a piece of a large transaction, and more follow. Nobody may begin at, or confirm, its position.
    /// </summary>
    public bool IsComplete { get; init; } = true;
}

/// <summary>Everything committed to here was given.</summary>
/// <param name="Position">To here.</param>
/// <param name="Time">And everything committed before this, by the database's clock; null: not known.</param>
internal sealed record CaptureMark(LogPosition Position, DateTimeOffset? Time) : CaptureEvent;
