using System.Globalization;
using System.Text.Json;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Benchmarks.Placement;

/// <summary>
/// What adding a node to N moves, over the ideal 1/(N+1) of the keys, and how full the fullest is then over the mean:
/// each strategy over the same zones of one region. Counted, not timed, so the same in every run.
/// </summary>
internal static class PlacementBench
{
    private static readonly int[] Sizes = [3, 10, 300];

    internal static int Run(string[] args)
    {
        if (args.Length > 0)
        {
            Console.Error.WriteLine("bench placement takes no arguments.");
            return 2;
        }
        Console.WriteLine($"placement: {SlotId.Count} slots, one copy, equal weights; moved: slots with another home");
        Console.WriteLine(JsonSerializer.Serialize(new { bench = "placement", ratios = Measure() }));
        return 0;
    }

    /// <summary>
    /// <c>moved_N_vs_ideal</c> and <c>peak_vs_mean_N</c> for each N: the default's, and those of each strategy behind
    /// its name. Prints a table.
    /// </summary>
    internal static Dictionary<string, double> Measure()
    {
        Console.WriteLine($"{"strategy",-14}{"nodes",12}{"moved",9}{"vs ideal",10}{"peak vs mean",14}");
        Dictionary<string, double> ratios = [];
        foreach (var strategy in PlacementStrategies.All)
        {
            foreach (var size in Sizes)
            {
                var (moved, peak) = Add(strategy, size);
                var ideal = 1.0 / (size + 1);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{strategy.Name,-14}{size + "→" + (size + 1),12}{moved,9:P2}{moved / ideal,10:F3}{peak,14:F3}"));
                var prefix = strategy.Name == PlacementStrategies.Default ? "" : strategy.Name + "_";
                ratios[$"{prefix}moved_{size}_vs_ideal"] = Math.Round(moved / ideal, 4);
                ratios[$"{prefix}peak_vs_mean_{size}"] = Math.Round(peak, 4);
            }
        }
        return ratios;
    }

    private static (double Moved, double PeakVsMean) Add(IPlacementStrategy strategy, int size)
    {
        SyncNode[] nodes = [.. Enumerable.Range(0, size + 1).Select(i =>
            new SyncNode(new NodeId((short)i), "us-east", $"z{i:D3}", 100))];
        RecordClass one = new(new ClassId(0), "public", "public", ["us-east"], 1, 1, null, KeyForm.Blind);
        var before = strategy.Place(one, nodes[..size], null, 1);
        var after = strategy.Place(one, nodes, before, 2);
        var loads = new int[nodes.Length];
        for (short slot = 0; slot < SlotId.Count; slot++)
            loads[after.Home(new SlotId(slot)).Value]++;
        return (SlotMoves.Between(before, after).Homes / (double)SlotId.Count, loads.Max() / loads.Average());
    }
}
