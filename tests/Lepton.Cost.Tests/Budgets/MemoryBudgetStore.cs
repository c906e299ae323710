using Lepton.Cost.Budgets;

namespace Lepton.Cost.Tests.Budgets;

/// <summary>A region's ledgers under one lock.</summary>
internal sealed class MemoryBudgetStore(string region) : IBudgetStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<BudgetPeriod, BudgetLedger> _ledgers = [];
    private readonly Dictionary<string, BudgetPeriod> _periods = [];

    public void Grant(BudgetPeriod period, string budget, long micros)
    {
        lock (_lock)
            Ledger(period).Grant(budget, micros);
    }

    public ValueTask<ReserveOutcome> ReserveAsync(string id, BudgetPath path, long micros, DateTimeOffset now,
        DateTimeOffset expires, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            // A repeat after midnight is that of the month in which it was first.
            var period = _periods.GetValueOrDefault(id, BudgetPeriod.Of(now));
            var outcome = Ledger(period).Reserve(id, path, micros, expires);
            if (outcome is ReserveOutcome.Granted)
                _periods[id] = period;
            return ValueTask.FromResult(outcome);
        }
    }

    public ValueTask<SettleOutcome> SettleAsync(string id, long micros, CancellationToken cancellationToken)
    {
        lock (_lock)
            return ValueTask.FromResult(_periods.TryGetValue(id, out var period)
                ? Ledger(period).Settle(id, micros) : SettleOutcome.Unknown);
    }

    public ValueTask<BudgetStanding?> StandingAsync(
        string budget, BudgetPeriod period, CancellationToken cancellationToken)
    {
        lock (_lock)
            return ValueTask.FromResult(Ledger(period).Standing(budget));
    }

    private BudgetLedger Ledger(BudgetPeriod period)
    {
        if (!_ledgers.TryGetValue(period, out var ledger))
            _ledgers.Add(period, ledger = new BudgetLedger(region, period));
        return ledger;
    }
}
