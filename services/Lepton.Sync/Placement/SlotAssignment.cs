using System.Diagnostics;
using Lepton.Sync.Records;

namespace Lepton.Sync.Placement;

/// <summary>What has to be given out: bins (nodes or regions) to slots.</summary>
internal sealed record SlotDemand
{
    /// <summary>Of each slot, how many different bins it needs.</summary>
    public required int[] Wanted { get; init; }

    /// <summary>Of each slot the bin that it has already and may not get again; -1: none.</summary>
    public required int[] Taken { get; init; }

    /// <summary>Of each slot the bins it had.</summary>
    public required int[][] Previous { get; init; }

    /// <summary>Of each bin its share of slots, with the sum of what is wanted.</summary>
    public required double[] Ideals { get; init; }

    /// <summary>(slot, bin): what of the slot is in the bin now; moving it there costs that much less.</summary>
    public required Func<int, int, int> Worth { get; init; }

    /// <summary>(slot, bin): the greater wins between equals.</summary>
    public required Func<int, int, double> Score { get; init; }
}

/// <summary>
/// Gives each slot its number of different bins and each bin its share, within 1, with as few changes as it finds: what
/// slots have stays where no bin has too much; then bins with too much hand slots to bins with too little, cheapest
/// first, and where none can do so directly, by the shortest chain of bins (augmenting paths; one is always there,
/// since a share is never more than the slots that can take the bin).
/// </summary>
internal sealed class SlotAssignment
{
    private readonly SlotDemand _demand;
    private readonly List<int>[] _held;
    private readonly int[] _loads;
    private int[] _quotas = [];

    private SlotAssignment(SlotDemand demand)
    {
        _demand = demand;
        _held = [.. demand.Previous.Select((bins, s) => bins.Where(b => b != demand.Taken[s]).Distinct().ToList())];
        _loads = new int[demand.Ideals.Length];
    }

    /// <summary>Of each slot its bins, in no order.</summary>
    public static IReadOnlyList<int>[] Solve(SlotDemand demand)
    {
        if (demand.Ideals.Length == 0)
            return [.. demand.Wanted.Select(_ => Array.Empty<int>())];
        var assignment = new SlotAssignment(demand);
        assignment.Keep();
        assignment._quotas = Shares.Quotas(demand.Ideals, assignment._loads, demand.Wanted.Sum());
        assignment.Fill();
        while (assignment.MoveDirectly())
        {
        }
        while (assignment.MoveByChain())
        {
        }
        return assignment._held;
    }

    // A slot that has more than it wants lets go of what is worth least, then of what the fullest bin has.
    private void Keep()
    {
        foreach (var bin in _held.SelectMany(h => h))
            _loads[bin]++;
        for (var slot = 0; slot < SlotId.Count; slot++)
        {
            while (_held[slot].Count > _demand.Wanted[slot])
            {
                var bin = _held[slot].MinBy(b => (_demand.Worth(slot, b), _demand.Ideals[b] - _loads[b],
                    _demand.Score(slot, b), b));
                _held[slot].Remove(bin);
                _loads[bin]--;
            }
        }
    }

    // First those slots for which a bin with room is worth something, so that nobody else takes it from them.
    private void Fill()
    {
        for (var slot = 0; slot < SlotId.Count; slot++)
            FillSlot(slot, b => _loads[b] < _quotas[b] && _demand.Worth(slot, b) > 0);
        for (var slot = 0; slot < SlotId.Count; slot++)
            FillSlot(slot, b => _loads[b] < _quotas[b]);
        for (var slot = 0; slot < SlotId.Count; slot++)
            FillSlot(slot, _ => true);
    }

    private void FillSlot(int slot, Predicate<int> isGood)
    {
        while (_held[slot].Count < _demand.Wanted[slot])
        {
            var best = -1;
            for (var bin = 0; bin < _loads.Length; bin++)
            {
                if (CanTake(slot, bin) && isGood(bin) && (best < 0 || IsBetter(slot, bin, best)))
                    best = bin;
            }
            if (best < 0)
                return;
            _held[slot].Add(best);
            _loads[best]++;
        }
    }

    private bool CanTake(int slot, int bin) => bin != _demand.Taken[slot] && !_held[slot].Contains(bin);

    private bool IsBetter(int slot, int bin, int than) =>
        (_demand.Worth(slot, bin), _demand.Score(slot, bin)).CompareTo(
            (_demand.Worth(slot, than), _demand.Score(slot, than))) > 0;

    private bool MoveDirectly()
    {
        var under = Enumerable.Range(0, _loads.Length).Where(b => _loads[b] < _quotas[b]).ToArray();
        if (under.Length == 0)
            return false;
        List<(int Cost, double Score, int Slot, int From, int To)> moves = [];
        for (var slot = 0; slot < SlotId.Count; slot++)
        {
            foreach (var from in _held[slot].Where(b => _loads[b] > _quotas[b]))
            {
                foreach (var to in under.Where(b => CanTake(slot, b)))
                    moves.Add((_demand.Worth(slot, from) - _demand.Worth(slot, to), -_demand.Score(slot, to),
                        slot, from, to));
            }
        }
        moves.Sort();
        var moved = false;
        foreach (var (_, _, slot, from, to) in moves)
        {
            if (_loads[from] > _quotas[from] && _loads[to] < _quotas[to] && _held[slot].Contains(from)
                && CanTake(slot, to))
            {
                Move(slot, from, to);
                moved = true;
            }
        }
        return moved;
    }

    // Breadth first from one bin with too much to the nearest with too little.
    private bool MoveByChain()
    {
        var start = Enumerable.Range(0, _loads.Length).FirstOrDefault(b => _loads[b] > _quotas[b], -1);
        if (start < 0)
            return false;
        var cameBy = new (int From, int Slot)[_loads.Length];
        Array.Fill(cameBy, (-1, -1));
        cameBy[start] = (start, -1);
        var queue = new Queue<int>([start]);
        while (queue.TryDequeue(out var from))
        {
            if (_loads[from] < _quotas[from])
            {
                for (var to = from; to != start; to = cameBy[to].From)
                    Move(cameBy[to].Slot, cameBy[to].From, to);
                return true;
            }
            for (var slot = 0; slot < SlotId.Count; slot++)
            {
                if (!_held[slot].Contains(from))
                    continue;
                for (var to = 0; to < _loads.Length; to++)
                {
                    if (cameBy[to].From >= 0 || !CanTake(slot, to))
                        continue;
                    cameBy[to] = (from, slot);
                    queue.Enqueue(to);
                }
            }
        }
        throw new UnreachableException("A bin has more slots than its share and none can be moved.");
    }

    private void Move(int slot, int from, int to)
    {
        _held[slot].Remove(from);
        _held[slot].Add(to);
        _loads[from]--;
        _loads[to]++;
    }
}
