using Lepton.Routing.Balancing;

namespace Lepton.Benchmarks.Decision;

/// <summary>
/// The same policy, filter, guard, draws, score and reservation, written as one would without thinking of speed.
/// </summary>
internal sealed class LinqPicker(IReadOnlyList<LinqPicker.Entry> entries, Random random)
{
    internal sealed record Entry(string Id, string Region, string Model, bool Serving, double ServiceSeconds,
        double RoundTripSeconds, double LoadPercent, int Slots, int QueueMax, Lane Lane)
    {
        public double Weight => Slots / ((RoundTripSeconds + ServiceSeconds) * 1000 * (1 + (LoadPercent / 100)));

        public double Score => RoundTripSeconds + (ServiceSeconds * (1 + (Lane.Outstanding / (double)Slots)));
    }

    public IReadOnlyList<Entry> Entries { get; } = entries;

    public Entry Pick(string model, IReadOnlyCollection<string> allowed)
    {
        while (true)
        {
            List<Entry> candidates =
                [.. Entries.Where(e => e.Serving && allowed.Contains(e.Region) && e.Model == model)];
            List<Entry> tier = [.. candidates.Where(e => e.Lane.Outstanding < e.Slots)];
            if (tier.Count == 0)
                tier = [.. candidates.Where(e => e.Lane.Outstanding < e.Slots + ((e.QueueMax + 1) / 2))];
            if (tier.Count == 0)
                tier = candidates;
            Entry first = Draw(tier);
            List<Entry> others = [.. tier.Where(e => e != first)];
            Entry best = others.Count == 0 ? first : new[] { first, Draw(others) }.OrderBy(e => e.Score).First();
            if (best.Lane.TryReserve(best.Lane.Outstanding < best.Slots ? best.Slots : int.MaxValue))
                return best;
        }
    }

    private Entry Draw(List<Entry> entries)
    {
        double at = random.NextDouble() * entries.Sum(e => e.Weight);
        return entries.First(e => (at -= e.Weight) <= 0 || e == entries[^1]);
    }
}
