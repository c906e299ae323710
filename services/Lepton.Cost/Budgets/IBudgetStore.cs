namespace Lepton.Cost.Budgets;

/// <summary>
/// A region's ledgers, on disk: each method is one transaction that is durable when it returns. It does what
/// <see cref="BudgetLedger"/> does. PostgreSQL keeps it; tests keep it in memory.
/// </summary>
internal interface IBudgetStore
{
    /// <summary>Reserves in the period of this time. See <see cref="BudgetLedger.Reserve"/>.</summary>
    ValueTask<ReserveOutcome> ReserveAsync(string id, BudgetPath path, long micros, DateTimeOffset now,
        DateTimeOffset expires, CancellationToken cancellationToken);

    /// <summary>Settles in the period in which it was reserved, whenever that was. See
    /// <see cref="BudgetLedger.Settle"/>.</summary>
    ValueTask<SettleOutcome> SettleAsync(string id, long micros, CancellationToken cancellationToken);

    /// <summary>Where a budget stands in a period; null: there is none.</summary>
    ValueTask<BudgetStanding?> StandingAsync(
        string budget, BudgetPeriod period, CancellationToken cancellationToken);
}
