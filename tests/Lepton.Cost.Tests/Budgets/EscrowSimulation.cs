using Lepton.Cost.Budgets;
using Lepton.Cost.Money;

namespace Lepton.Cost.Tests.Budgets;

/// <summary>
/// Regions that spend one budget and move shares over a network that delays, loses, repeats and is cut: by one
/// seed. After
/// each step, what is spent and promised, and what all shares and transfers under way add up to, is compared with the
/// limit.
/// </summary>
internal sealed class EscrowSimulation
{
    public const long Limit = 1_000_000;

    private static readonly BudgetPeriod Period = new(2026, 11);
    private static readonly BudgetPath Path = BudgetPath.Of("org", "demo");

    private readonly Random _random;
    private readonly string[] _names;
    private readonly Dictionary<string, BudgetLedger> _ledgers = [];
    private readonly Dictionary<(string Region, string Budget), long> _first = [];
    private readonly List<(string Id, string Region, long Micros)> _open = [];
    private readonly List<(int At, string From, string To, Action Deliver)> _wire = [];
    private readonly HashSet<string> _everSent = [];
    private readonly HashSet<string> _everTaken = [];
    private readonly Dictionary<string, ShareTransfer> _transfers = [];
    private readonly HashSet<string> _cut = [];
    private DateTimeOffset _now = Period.Start;
    private int _step;
    private int _ids;

    public EscrowSimulation(int seed, int regions)
    {
        _random = new Random(seed);
        _names = [.. Enumerable.Range(0, regions).Select(i => $"r{i}")];
        var weights = _names.ToDictionary(n => n, _ => (long)_random.Next(1, 10));
        foreach (var name in _names)
            _ledgers[name] = new BudgetLedger(name, Period, reservationsMax: 500);
        foreach (var budget in Path.Levels)
            foreach (var (name, share) in BudgetShares.Of(new Amount(Limit, Currency.Usd), weights))
            {
                _ledgers[name].Grant(budget, share);
                _first[(name, budget)] = share;
            }
    }

    /// <summary>Refusals by regions that were cut off.</summary>
    public int RefusedWhileCut { get; private set; }

    public int Transfers => _everTaken.Count;

    public long Spent => Path.Levels.Select(Committed).Max();

    public void Cut(string region) => _cut.Add(region);

    public void Heal() => _cut.Clear();

    public BudgetStanding Standing(string region) => _ledgers[region].Standing("org")!.Value;

    /// <summary>A step: work comes and ends, regions ask, messages arrive or do not.</summary>
    /// <param name="only">The region that has work; null: any.</param>
    /// <param name="faults">The network loses and repeats, and cuts come and go.</param>
    public void Step(string? only = null, bool faults = true)
    {
        _step++;
        _now = _now.AddSeconds(1);
        if (faults && _random.Next(200) == 0)
            _ = _random.Next(2) == 0 ? _cut.Add(Any()) : _cut.Remove(Any());
        Work(only ?? Any());
        var asker = only ?? Any();
        foreach (var budget in Path.Levels)
            Ask(asker, budget, faults);
        foreach (var name in _names)
        {
            _ledgers[name].Expire(_now);
            foreach (var transfer in _ledgers[name].Sent.ToArray())
                if (_random.Next(5) == 0) // until it is acknowledged
                    Send(name, transfer, faults);
        }
        for (var i = _wire.Count - 1; i >= 0; i--)
        {
            var (at, from, to, deliver) = _wire[i];
            if (at > _step)
                continue;
            _wire.RemoveAt(i);
            if (!_cut.Contains(from) && !_cut.Contains(to))
                deliver();
        }
        Check();
    }

    private void Work(string region)
    {
        var ledger = _ledgers[region];
        for (var i = _random.Next(4); i > 0; i--)
        {
            var id = $"w{++_ids}";
            long micros = _random.Next(0, 600);
            if (ledger.Reserve(id, Path, micros, _now.AddSeconds(_random.Next(5, 60))) is ReserveOutcome.Granted)
                _open.Add((id, region, micros));
            else if (_cut.Contains(region))
                RefusedWhileCut++;
        }
        for (var i = _open.Count - 1; i >= 0; i--)
        {
            if (_random.Next(4) != 0)
                continue;
            var (id, at, micros) = _open[i];
            // What expired was abandoned: nothing was spent on it.
            var isAlive = _random.Next(10) > 0;
            if (isAlive && _now < Period.End)
                _ledgers[at].Settle(id, SettleAmount(at, id, micros));
            _open.RemoveAt(i);
        }
    }

    // A reservation that expired promised nothing any more; its work was stopped at its deadline.
    private long SettleAmount(string region, string id, long micros) =>
        _ledgers[region].IsOpen(id) ? _random.NextInt64(0, micros + 1) : 0;

    private void Ask(string asker, string budget, bool faults)
    {
        var wanted = BudgetShares.Wanted(_ledgers[asker].Standing(budget)!.Value, _first[(asker, budget)]);
        var giver = Any();
        if (wanted == 0 || giver == asker)
            return;
        Post(asker, giver, faults, () =>
        {
            if (_ledgers[giver].Give(budget, asker, wanted) is not { } transfer)
                return;
            Assert.True(_everSent.Add(transfer.Id));
            _transfers[transfer.Id] = transfer;
            Send(giver, transfer, faults);
        });
    }

    private void Send(string giver, ShareTransfer transfer, bool faults) => Post(giver, transfer.To, faults, () =>
    {
        Assert.True(_ledgers[transfer.To].Receive(transfer));
        _everTaken.Add(transfer.Id);
        Post(transfer.To, giver, faults, () => _ledgers[giver].Acknowledge(transfer.Id));
    });

    private void Post(string from, string to, bool faults, Action deliver)
    {
        for (var copies = faults ? _random.Next(0, 3) : 1; copies > 0; copies--)
            _wire.Add((_step + _random.Next(1, faults ? 20 : 3), from, to, deliver));
    }

    private void Check()
    {
        foreach (var budget in Path.Levels)
        {
            var shares = _ledgers.Values.Sum(l => l.Standing(budget)!.Value.ShareMicros);
            var underWay = _transfers.Values.Where(t => t.Budget == budget && !_everTaken.Contains(t.Id))
                .Sum(t => t.Micros);
            Assert.Equal(Limit, shares + underWay);
            Assert.True(Committed(budget) <= Limit, $"{budget}: {Committed(budget)} of {Limit} in step {_step}");
            Assert.All(_ledgers.Values, l =>
            {
                var at = l.Standing(budget)!.Value;
                Assert.True(at.SettledMicros + at.ReservedMicros <= at.ShareMicros && at.ReservedMicros >= 0);
            });
        }
    }

    private long Committed(string budget) => _ledgers.Values
        .Sum(l => l.Standing(budget)!.Value.SettledMicros + l.Standing(budget)!.Value.ReservedMicros);

    private string Any() => _names[_random.Next(_names.Length)];
}
