using Lepton.Sync.Records;

namespace Lepton.Sync.Replication;

/// <summary>
/// The database's committed changes of rows, in commit order: its write-ahead log decoded. An implementation for
/// PostgreSQL is here; databases that speak its protocol and capture changes otherwise come behind the same interface.
/// </summary>
internal interface IChangeCapture
{
    /// <summary>
    /// Every transaction from the last confirmed place on, for as long as it is read. Afterwards, or after an error,
    /// it is called again.
    /// </summary>
    IAsyncEnumerable<CapturedTransaction> ReadAsync(CancellationToken cancellationToken);

    /// <summary>What is up to here is durable elsewhere: the database may forget it.</summary>
    Task ConfirmAsync(LogPosition position, CancellationToken cancellationToken);
}

/// <param name="TransactionId">PostgreSQL's xid (32 bits).</param>
/// <param name="Position">The end of its commit.</param>
/// <param name="CommitTime">When it was committed, by the database's clock.</param>
/// <param name="Records">The rows it wrote, in order.</param>
internal sealed record CapturedTransaction(
    uint TransactionId, LogPosition Position, DateTimeOffset CommitTime, IReadOnlyList<StoredRecord> Records);
