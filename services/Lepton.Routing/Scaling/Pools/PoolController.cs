using System.Globalization;
using Lepton.Routing.Scaling.Hpa;
using Lepton.Routing.Scaling.Signals;

namespace Lepton.Routing.Scaling.Pools;

/// <summary>
/// Decides how many nodes a pool shall have. Every period as the HPA does, by what models need to keep their promise
/// and by the use of GPUs and processors. Between periods, at every look, the SLO rule: a real-time model whose
/// predicted p99 is over its promise, or whose queue would take longer than <c>QueueWaitMax</c>, gets what it needs at
/// once; no window, no rate policy and no tolerance holds that up (E4). Not thread-safe.
/// </summary>
internal sealed class PoolController
{
    private readonly ScalingOptions _options;
    private readonly ScalingOptions.PoolOptions _pool;
    private readonly TimeProvider _time;
    private readonly HpaController _hpa;
    private readonly Dictionary<string, DemandEstimate> _demand = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ScalingOptions.ModelOptions> _models;
    private readonly long _startedAt;
    private long _decidedAt;
    private int _desired;
    private bool _decided;
    private string _why = "";

    public PoolController(ScalingOptions options, ScalingOptions.PoolOptions pool, TimeProvider time)
    {
        (_options, _pool, _time) = (options, pool, time);
        _hpa = new HpaController(options.ToBehavior(), pool.NodesMin, pool.NodesMax, time);
        _startedAt = time.GetTimestamp();
        _models = options.Models.ToDictionary(m => m.Model, StringComparer.Ordinal);
    }

    /// <param name="started">Nodes that were asked for and have not reported yet.</param>
    public PoolDecision Decide(PoolSignals signals, int started = 0)
    {
        int current = signals.Current + started;
        ModelNeed[] needs = [.. signals.Models.Select(m => Need(m, current))];
        foreach (string gone in _demand.Keys.Where(k => signals.Models.All(m => m.Model != k)).ToArray())
            _demand.Remove(gone);
        if (_time.GetElapsedTime(_startedAt) < _options.SettleTime)
            return new PoolDecision(signals.Tier, current, current, false, "nodes have not had time to report", needs);
        // Nobody answers: no promise is kept, and no metric will say so.
        if (current == 0)
            return new PoolDecision(signals.Tier, 0, _pool.NodesMin, true, "no node is there", needs);
        if (needs.Where(n => n.NeedsNow > current).MaxBy(n => n.NeedsNow) is { } worst && current < _pool.NodesMax)
        {
            _hpa.Recommend(worst.NeedsNow);
            (_desired, _why) = (Math.Min(worst.NeedsNow, _pool.NodesMax), Urgency(worst));
            return new PoolDecision(signals.Tier, current, _desired, true, _why, needs);
        }
        if (!_decided || _time.GetElapsedTime(_decidedAt) >= _options.Period)
        {
            (_decided, _decidedAt) = (true, _time.GetTimestamp());
            HpaDecision decision = _hpa.Decide(current, signals.Serving, Metrics(signals, needs));
            (_desired, _why) = (decision.Desired, decision.Why);
        }
        return new PoolDecision(signals.Tier, current, _desired, false, _why, needs);
    }

    /// <summary>The pool was changed: rate policies count it.</summary>
    public void Scaled(int from, int to) => _hpa.Scaled(from, to);

    private ModelNeed Need(in ModelSignal signal, int current)
    {
        if (!_demand.TryGetValue(signal.Model, out DemandEstimate? estimate))
            _demand.Add(signal.Model, estimate = new DemandEstimate(_options.Memory, _time));
        estimate.Hear(signal);
        (Demand steady, Demand now) = (estimate.Steady(signal), estimate.Now(signal));
        ScalingOptions.ModelOptions? own = _models.GetValueOrDefault(signal.Model);
        bool batch = own?.Class == "batch";
        TimeSpan slo = own?.Slo ?? _options.Slo;
        double drain = _options.QueueWaitMax.TotalSeconds;
        Objective promise = new(slo.TotalSeconds, _options.TailFactor, drain);
        Objective aim = promise with { Seconds = slo.TotalSeconds * _options.SloShare };
        double p99 = Staffing.P99Seconds(now, current, _options.TailFactor);
        double wait = now.Queued * now.ServiceSeconds / Math.Max(1, current * now.SlotsPerNode);
        // Batch takes what real-time leaves: it needs room for its work, not for its haste.
        int needs = batch
            ? (int)Math.Ceiling(steady.Load / steady.SlotsPerNode)
            : Staffing.Nodes(steady, aim, _pool.NodesMax);
        int needsNow = batch ? 0 : Staffing.Nodes(now, promise, _pool.NodesMax);
        return new ModelNeed(signal, steady.Load, batch ? null : slo, p99, wait, needs, needsNow);
    }

    private List<HpaMetric> Metrics(PoolSignals signals, ModelNeed[] needs)
    {
        List<HpaMetric> metrics =
            [new HpaMetric.Total("models' need", 1, needs.Select(n => n.Needs).DefaultIfEmpty(0).Max())];
        NodeSignal[] nodes = [.. signals.Nodes.Where(n => n.Serves || n.State == V1.NodeState.Starting)];
        if (_options.CpuTarget > 0 && nodes.Any(n => n.Serves))
            metrics.Add(new HpaMetric.Each("CPU", _options.CpuTarget,
                [.. nodes.Select(n => new ReplicaSample(n.Serves ? n.Cpu : null, n.Serves))]));
        if (_options.GpuTarget > 0 && nodes.Any(n => n.Serves && n.Gpu is not null))
            metrics.Add(new HpaMetric.Each("GPU", _options.GpuTarget,
                [.. nodes.Select(n => new ReplicaSample(n.Serves ? n.Gpu : null, n.Serves))]));
        return metrics;
    }

    private static string Urgency(ModelNeed need) => string.Create(CultureInfo.InvariantCulture,
        $"{need.Now.Model}: predicted p99 {need.P99Seconds:0.###} s for {need.Slo?.TotalSeconds:0.###} s, "
        + $"{need.Now.Queued} wait for {need.QueueWaitSeconds:0.#} s, {need.NeedsNow} nodes needed");
}
