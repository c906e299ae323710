using Lepton.Routing.Balancing;

namespace Lepton.Benchmarks.Decision;

/// <summary>
/// The same policy, filter, guard, score and reservation, written as one would without thinking of speed.
/// </summary>
internal sealed class LinqPicker(IReadOnlyList<LinqPicker.Entry> entries)
{
    internal sealed record Entry(string Id, string Region, string Model, bool Serving, double ServiceSeconds,
        double RoundTripSeconds, double LoadPercent, int Slots, int QueueMax, Lane Lane)
    {
        private int Waiting => Math.Max(0, Lane.Outstanding + 1 - Slots);

        public bool HasRoom => Lane.Outstanding < Slots + QueueMax;

        public double Score => RoundTripSeconds + (ServiceSeconds
            * (1 + ((Waiting + (0.25 * Math.Min(Lane.Outstanding, Slots))) / Slots)));
    }

    public IReadOnlyList<Entry> Entries { get; } = entries;

    public Entry Pick(string model, IReadOnlyCollection<string> allowed)
    {
        while (true)
        {
            List<Entry> candidates =
                [.. Entries.Where(e => e.Serving && allowed.Contains(e.Region) && e.Model == model)];
            Entry best = candidates.Where(e => e.HasRoom).OrderBy(e => e.Score).FirstOrDefault()
                ?? candidates.OrderBy(e => e.Score).First();
            if (best.Lane.TryReserve(best.Lane.Outstanding + 1))
                return best;
        }
    }
}
