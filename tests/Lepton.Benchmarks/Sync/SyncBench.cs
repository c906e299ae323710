using System.Text.Json;

namespace Lepton.Benchmarks.Sync;

/// <summary>
/// What Sync's parts cost beside something that is well known, on the same machine in the same run. Each part adds keys
/// to the last line; <c>bench sync PART...</c> runs some of them.
/// </summary>
internal static class SyncBench
{
    private static readonly (string Name, Func<Task<IReadOnlyDictionary<string, double>>> Run)[] Parts =
    [
        ("puts", PutsBench.RunAsync),
        ("capture", CaptureBench.RunAsync),
        ("pipeline", PipelineBench.RunAsync),
        ("etcd", EtcdBench.RunAsync),
        ("cached", CachedReadBench.RunAsync),
        ("wire", WireBench.RunAsync),
        ("placement", () => Task.FromResult<IReadOnlyDictionary<string, double>>(
            Placement.PlacementBench.Measure())),
    ];

    internal static int Run(string[] args)
    {
        if (args.FirstOrDefault(a => Parts.All(p => p.Name != a)) is { } unknown)
        {
            string parts = string.Join(", ", Parts.Select(p => p.Name));
            Console.Error.WriteLine($"sync has no part {unknown}; it has {parts}");
            return 2;
        }
        SortedDictionary<string, double> ratios = new(StringComparer.Ordinal);
        foreach (var (name, run) in Parts)
        {
            if (args.Length > 0 && !args.Contains(name))
                continue;
            foreach (var (key, value) in run().GetAwaiter().GetResult())
                ratios[key] = Math.Round(value, 4);
        }
        Console.WriteLine(JsonSerializer.Serialize(new { bench = "sync", ratios }));
        return 0;
    }
}
