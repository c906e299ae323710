using System.Globalization;
using Lepton.Routing.Scaling.Signals;

namespace Lepton.Routing.Scaling.Sizing;

/// <summary>
/// Recommends a bigger or smaller size per node from its observed use (E2): the smallest whose processors and GPU, at
/// the 95th percentile, and memory, at the 99th, leave the headroom free. Processors that lack make requests slower,
/// memory that lacks ends the process: hence the different percentiles.
/// </summary>
/// <param name="window">What counts.</param>
/// <param name="headroom">Part of the new size that stays free, 0 to 0.9.</param>
internal sealed class SizeAdviser(TimeSpan window, double headroom, ISizePrices prices, TimeProvider time)
{
    // A few minutes of reports, or the start of a node would be all that is known of it.
    private const int LooksMin = 120;
    private const int NodesMax = 10_000;

    private static readonly double[] Sizes = [0.25, 0.5, 1, 2, 4];

    private readonly Dictionary<string, (UseWindow Cpu, UseWindow Gpu, UseWindow Memory)> _nodes =
        new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    /// <summary>One look at the nodes of a pool.</summary>
    public void Hear(IEnumerable<NodeSignal> nodes)
    {
        lock (_lock)
            foreach (NodeSignal node in nodes.Where(n => n.Serves))
            {
                if (!_nodes.TryGetValue(node.Node, out var use))
                {
                    if (_nodes.Count >= NodesMax)
                        return;
                    _nodes.Add(node.Node, use = (new(window, time), new(window, time), new(window, time)));
                }
                use.Cpu.Hear(node.Cpu);
                if (node.Gpu is { } gpu)
                    use.Gpu.Hear(gpu);
                if (node.Memory is { } memory)
                    use.Memory.Hear(memory);
            }
    }

    /// <summary>Keeps only these.</summary>
    public void Forget(IReadOnlySet<string> but)
    {
        lock (_lock)
            foreach (string node in _nodes.Keys.Where(n => !but.Contains(n)).ToArray())
                _nodes.Remove(node);
    }

    /// <summary>By name.</summary>
    public IReadOnlyList<SizeAdvice> Advise()
    {
        lock (_lock)
            return [.. _nodes.OrderBy(n => n.Key, StringComparer.Ordinal).Select(n => Advise(n.Key, n.Value))];
    }

    private SizeAdvice Advise(string node, (UseWindow Cpu, UseWindow Gpu, UseWindow Memory) use)
    {
        Percentiles cpu = Of(use.Cpu) ?? default;
        (Percentiles? gpu, Percentiles? memory) = (Of(use.Gpu), Of(use.Memory));
        if (use.Cpu.Count < LooksMin)
            return new SizeAdvice(node, cpu, gpu, memory, use.Cpu.Count, 1, $"fewer than {LooksMin} reports", null);
        (double Use, string What)[] uses =
            [(cpu.P95, "CPU p95"), (gpu?.P95 ?? 0, "GPU p95"), (memory?.P99 ?? 0, "memory p99")];
        (double Use, string What) most = uses.MaxBy(u => u.Use);
        double free = 1 - headroom;
        // What is full may want any amount more: one step is what is known to be right.
        double size = most.Use >= 1 ? 2 : Sizes.FirstOrDefault(s => most.Use / s <= free + 1e-9, Sizes[^1]);
        string why = string.Create(CultureInfo.InvariantCulture, $"{most.What} {most.Use * 100:0} %");
        long? saved = prices.HourUsdMicros(node, 1) - prices.HourUsdMicros(node, size);
        return new SizeAdvice(node, cpu, gpu, memory, use.Cpu.Count, size, why, saved);
    }

    private static Percentiles? Of(UseWindow use) => use.Count == 0 ? null
        : new Percentiles(use.Percentile(0.5), use.Percentile(0.95), use.Percentile(0.99));
}
