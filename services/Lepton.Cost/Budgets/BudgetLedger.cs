namespace Lepton.Cost.Budgets;

/// <summary>
/// One region's shares of all budgets in one period: reserve, then settle (B4). Not for several threads: a store
/// runs it
/// under a lock or does the same in a transaction. It never spends more than its shares, so all regions together never
/// spend more than the limits, whoever is cut off from whom; what moves between regions leaves the giver first.
/// </summary>
/// <param name="region">Whose.</param>
/// <param name="period">Of when.</param>
/// <param name="reservationsMax">Reservations open at a time; default 100,000.</param>
internal sealed class BudgetLedger(string region, BudgetPeriod period, int reservationsMax = 100_000)
{
    private readonly Dictionary<string, Account> _accounts = [];
    private readonly Dictionary<string, Reservation> _reservations = [];
    private readonly Dictionary<string, ShareTransfer> _sent = [];
    private readonly HashSet<string> _received = [];
    private int _open;
    private long _transfers;

    /// <summary>Its period.</summary>
    public BudgetPeriod Period => period;

    /// <summary>What was given and is not known to have arrived: to be sent again.</summary>
    public IReadOnlyCollection<ShareTransfer> Sent => _sent.Values;

    /// <summary>Names of the budgets that it has shares of.</summary>
    public IReadOnlyCollection<string> Budgets => _accounts.Keys;

    /// <summary>Gives this region a share at the period's start, or more when a limit is raised.</summary>
    /// <param name="budget">Its name; an account is opened.</param>
    /// <param name="micros">0 or more.</param>
    public void Grant(string budget, long micros)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(micros);
        if (!_accounts.TryGetValue(budget, out var account))
            _accounts.Add(budget, account = new Account());
        account.Share = checked(account.Share + micros);
    }

    /// <summary>Takes back what is free, when a limit is lowered.</summary>
    /// <returns>How much it was; the rest is spent or promised and stays so.</returns>
    public long Withdraw(string budget, long micros)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(micros);
        if (!_accounts.TryGetValue(budget, out var account))
            return 0;
        var taken = Math.Min(micros, account.Standing.FreeMicros);
        account.Share -= taken;
        return taken;
    }

    /// <summary>Where a budget stands; null: there is none of this name here.</summary>
    public BudgetStanding? Standing(string budget) => _accounts.GetValueOrDefault(budget)?.Standing;

    /// <summary>
    /// Reserves at every level of the path that has a budget, or at none. A level is full at its limit: there even
    /// nothing more can be reserved, not 0 either.
    /// </summary>
    /// <param name="id">Unique; a repeat is answered as it was.</param>
    /// <param name="path">The levels. One that no budget was set for limits nothing.</param>
    /// <param name="micros">The most that the work can cost; 0 or more.</param>
    /// <param name="expires">When it is released by itself, if nobody settles it.</param>
    public ReserveOutcome Reserve(string id, BudgetPath path, long micros, DateTimeOffset expires)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(micros);
        if (_reservations.ContainsKey(id))
            return new ReserveOutcome.Granted();
        if (_open >= reservationsMax)
            return new ReserveOutcome.TooMany(reservationsMax);
        foreach (var level in path.Levels)
            if (_accounts.TryGetValue(level, out var account)
                && account.Standing.FreeMicros is var free && (free == 0 || micros > free))
                return new ReserveOutcome.Refused(level, free);
        // Those that there are now: a budget set later owes nothing to what was reserved before.
        Account[] accounts = [.. path.Levels.Where(_accounts.ContainsKey).Select(level => _accounts[level])];
        foreach (var account in accounts)
            account.Reserved += micros;
        _reservations.Add(id, new Reservation(accounts, micros, expires));
        _open++;
        return new ReserveOutcome.Granted();
    }

    /// <summary>
    /// Replaces a reservation by what the work did cost; 0 releases it. Cost beyond the reservation counts too,
    /// since it
    /// was spent, and is told apart as overrun. After the reservation expired: the same.
    /// </summary>
    public SettleOutcome Settle(string id, long micros)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(micros);
        if (!_reservations.TryGetValue(id, out var reservation))
            return SettleOutcome.Unknown;
        if (reservation.State == ReservationState.Settled)
            return SettleOutcome.Duplicate;
        var held = reservation.State == ReservationState.Open ? reservation.Micros : 0;
        foreach (var account in reservation.Accounts)
        {
            account.Reserved -= held;
            account.Settled = checked(account.Settled + micros);
            account.Overrun += Math.Max(0, micros - reservation.Micros);
        }
        _open -= reservation.State == ReservationState.Open ? 1 : 0;
        reservation.State = ReservationState.Settled;
        return SettleOutcome.Settled;
    }

    /// <summary>Is it reserved, not settled and not expired?</summary>
    public bool IsOpen(string id) => _reservations.GetValueOrDefault(id)?.State == ReservationState.Open;

    /// <summary>Releases what nobody settled in time.</summary>
    /// <returns>How many.</returns>
    public int Expire(DateTimeOffset now)
    {
        var expired = 0;
        foreach (var reservation in _reservations.Values)
        {
            if (reservation.State != ReservationState.Open || reservation.Expires > now)
                continue;
            foreach (var account in reservation.Accounts)
                account.Reserved -= reservation.Micros;
            reservation.State = ReservationState.Expired;
            expired++;
        }
        _open -= expired;
        return expired;
    }

    /// <summary>
    /// Gives a region that asks up to half of what is free here, at least one millionth: who gives all away would ask
    /// for it back at once. The share shrinks now; the transfer is sent until it is acknowledged.
    /// </summary>
    /// <returns>Null: nothing is free.</returns>
    public ShareTransfer? Give(string budget, string to, long wantedMicros)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(wantedMicros);
        if (!_accounts.TryGetValue(budget, out var account) || account.Standing.FreeMicros is 0 || to == region)
            return null;
        var free = account.Standing.FreeMicros;
        ShareTransfer transfer = new($"{period}/{region}/{++_transfers}", budget, period, to,
            Math.Min(wantedMicros, (free / 2) + (free % 2)));
        account.Share -= transfer.Micros;
        _sent.Add(transfer.Id, transfer);
        return transfer;
    }

    /// <summary>Takes a transfer, once; the giver is told either way.</summary>
    /// <returns>False: it is not for this region or not of this period.</returns>
    public bool Receive(ShareTransfer transfer)
    {
        if (transfer.To != region || transfer.Period != period)
            return false;
        if (_received.Add(transfer.Id))
            Grant(transfer.Budget, transfer.Micros);
        return true;
    }

    /// <summary>It arrived: it need not be sent again.</summary>
    public void Acknowledge(string transferId) => _sent.Remove(transferId);

    private enum ReservationState
    {
        Open,
        Settled,
        Expired,
    }

    private sealed class Account
    {
        public long Share { get; set; }

        public long Settled { get; set; }

        public long Reserved { get; set; }

        public long Overrun { get; set; }

        public BudgetStanding Standing => new(Share, Settled, Reserved, Overrun);
    }

    private sealed class Reservation(Account[] accounts, long micros, DateTimeOffset expires)
    {
        public Account[] Accounts => accounts;

        public long Micros => micros;

        public DateTimeOffset Expires => expires;

        public ReservationState State { get; set; }
    }
}
