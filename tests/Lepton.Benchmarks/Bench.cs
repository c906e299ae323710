using Lepton.Benchmarks.Decision;

namespace Lepton.Benchmarks;

/// <summary>The benches by name. Each prints a table and, last, one JSON line: {"bench":"…","ratios":{…}}.</summary>
internal static class Bench
{
    private static readonly (string Name, string Measures, Func<string[], int> Run)[] All =
    [
        ("decision", "guarded pick against plain LINQ, ns and bytes", DecisionBench.Run),
        ("balance", "the default strategy against R2 and all others", Balance.BalanceBench.Run),
        ("inference", "served throughput over raw ONNX Runtime", Inference.InferenceBench.Run),
    ];

    internal static int Run(string[] args)
    {
        foreach (var bench in All)
            if (args.Length > 0 && args[0] == bench.Name)
                return bench.Run(args[1..]);
        Console.Error.WriteLine("Which bench?");
        foreach (var bench in All)
            Console.Error.WriteLine($"  {bench.Name,-12}{bench.Measures}");
        return 2;
    }
}
