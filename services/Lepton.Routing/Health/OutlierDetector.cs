using System.Globalization;

namespace Lepton.Routing.Health;

/// <summary>One model at one place over the window.</summary>
/// <param name="Model">Name and version: only the same are compared.</param>
/// <param name="Kind">Provider, and whether it is a node or a router: only the same take the same time.</param>
/// <param name="Good">Answers.</param>
/// <param name="Failed">Failures.</param>
/// <param name="ServiceSeconds">Learned; 0: nothing.</param>
internal readonly record struct Sample(
    (string Name, string Version) Model, string Kind, long Good, long Failed, double ServiceSeconds)
{
    public long Judged => Good + Failed;

    public double SuccessPercent => 100.0 * Good / Math.Max(1, Judged);
}

/// <summary>An outlier: which sample, and the evidence.</summary>
internal readonly record struct Outlier(int Index, EjectionCause Cause, string Why);

/// <summary>
/// Finds places that do worse than their peers with the same model: by success rate against mean − k × standard
/// deviation (by a plain percentage where they are too few), and by service time against the median. Pure.
/// </summary>
internal static class OutlierDetector
{
    // A median of two is neither's.
    private const int LatencyHostsMin = 3;

    public static List<Outlier> Find(IReadOnlyList<Sample> samples, EjectionOptions options)
    {
        List<Outlier> found = [];
        foreach (IGrouping<(string, string), int> model in Enumerable.Range(0, samples.Count)
            .Where(i => samples[i].Judged >= options.RequestsMin)
            .GroupBy(i => samples[i].Model))
        {
            ByFailures(samples, [.. model], options, found);
            foreach (IGrouping<string, int> kind in model.GroupBy(i => samples[i].Kind))
                ByLatency(samples, [.. kind.Where(i => samples[i].Good >= options.RequestsMin
                    && samples[i].ServiceSeconds > 0)], options, found);
        }
        return found;
    }

    private static void ByFailures(
        IReadOnlyList<Sample> samples, int[] peers, EjectionOptions options, List<Outlier> found)
    {
        double mean = 0, below = 0;
        if (peers.Length >= options.HostsMin)
        {
            mean = peers.Average(i => samples[i].SuccessPercent);
            double deviation = Math.Sqrt(peers.Average(i => Math.Pow(samples[i].SuccessPercent - mean, 2)));
            below = mean - Math.Max(options.SuccessRateDeviations * deviation, options.SuccessRateGapMin);
        }
        foreach (int i in peers)
        {
            double rate = samples[i].SuccessPercent;
            if (rate < below)
                found.Add(new(i, EjectionCause.SuccessRate, Text(
                    $"{rate:0.#} % of {samples[i].Judged} requests well, {mean:0.#} % its peers' mean")));
            // With many it serves too: half of them failing raises the deviation until nobody is an outlier.
            else if (100 - rate >= options.FailurePercent)
                found.Add(new(i, EjectionCause.FailurePercent, Text(
                    $"{100 - rate:0.#} % of {samples[i].Judged} requests failed")));
        }
    }

    private static void ByLatency(
        IReadOnlyList<Sample> samples, int[] peers, EjectionOptions options, List<Outlier> found)
    {
        if (peers.Length < LatencyHostsMin)
            return;
        double[] sorted = [.. peers.Select(i => samples[i].ServiceSeconds).Order()];
        double median = sorted[(sorted.Length - 1) / 2];
        foreach (int i in peers)
            if (samples[i].ServiceSeconds > options.LatencyFactor * median && !found.Exists(f => f.Index == i))
                found.Add(new(i, EjectionCause.Latency, Text(
                    $"{samples[i].ServiceSeconds * 1000:0.#} ms, its peers' median is {median * 1000:0.#} ms")));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
