using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Resilience;

/// <summary>What this router learned of one model's requests, wherever they were served.</summary>
internal sealed class ModelFlow(string model, RoutingOptions options, TimeProvider time)
{
    public string Model { get; } = model;

    public RetryBudget Budget { get; } = new(options.Retries, time);

    public LatencyWindow Latency { get; } = new(options.Hedging.Percentile, options.Hedging.SamplesMin, time);
}

/// <summary>The flows by model. Only models that had a place come here, so callers can't make them up.</summary>
internal sealed class FlowTable(IOptions<RoutingOptions> options, TimeProvider time)
{
    // Far more models than a region has; beyond it they share one flow rather than take memory without bound.
    private const int ModelsMax = 10_000;

    private readonly ConcurrentDictionary<string, ModelFlow> _flows = new(StringComparer.Ordinal);

    public IEnumerable<ModelFlow> All => _flows.Values;

    public ModelFlow For(string model)
    {
        if (_flows.TryGetValue(model, out ModelFlow? known))
            return known;
        string name = _flows.Count < ModelsMax ? model : "";
        return _flows.GetOrAdd(name, static (n, s) => new ModelFlow(n, s.options.Value, s.time), (options, time));
    }
}
