using Lepton.Routing.Scaling;
using Lepton.Routing.Scaling.Hpa;
using Lepton.Routing.Scaling.Pools;
using Lepton.Routing.Scaling.Signals;

namespace Lepton.Simulation.Scaling;

/// <summary>Who decides how many nodes there are; asked every second.</summary>
internal interface IScaler
{
    string Name { get; }

    int Desired(PoolSignals signals);
}

/// <summary>As many as they are.</summary>
internal sealed class FixedScaler(int nodes) : IScaler
{
    public string Name => $"fixed {nodes}";

    public int Desired(PoolSignals signals) => nodes;
}

/// <summary>
/// Kubernetes' HPA with its defaults on CPU: every 15 s, on the mean use of the last 15 s (metrics-server's
/// resolution), which here is exactly the part of the slots that works: its best case.
/// </summary>
/// <param name="behavior">Null: Kubernetes' default.</param>
internal sealed class HpaScaler(double target, BurstyDay day, TimeProvider time, HpaBehavior? behavior = null)
    : IScaler
{
    private const int Period = 15;

    private readonly HpaController _hpa = new(behavior ?? HpaBehavior.Default, day.NodesMin, day.NodesMax, time);
    private readonly Dictionary<string, (double Sum, int Count)> _use = [];
    private int _looks, _desired = day.NodesMin;

    public string Name => $"HPA {target * 100:F0} %";

    public int Desired(PoolSignals signals)
    {
        foreach (NodeSignal node in signals.Nodes.Where(n => n.Serves))
        {
            (double sum, int count) = _use.GetValueOrDefault(node.Node);
            _use[node.Node] = (sum + node.Cpu, count + 1);
        }
        if (++_looks % Period != 0)
            return _desired;
        ReplicaSample[] samples =
        [
            .. signals.Nodes.Where(n => n.State != Routing.V1.NodeState.Draining).Select(n =>
                _use.TryGetValue(n.Node, out (double Sum, int Count) u)
                    ? new ReplicaSample(u.Sum / u.Count)
                    : new ReplicaSample(null, Ready: false)),
        ];
        _use.Clear();
        int current = signals.Current;
        _desired = _hpa.Decide(current, signals.Serving, [new HpaMetric.Each("CPU", target, samples)]).Desired;
        _hpa.Scaled(current, _desired);
        return _desired;
    }
}

/// <summary>Ours, as the router runs it.</summary>
internal sealed class LeptonScaler : IScaler
{
    private readonly PoolController _controller;
    private int _last;

    public LeptonScaler(BurstyDay day, TimeProvider time, ScalingOptions? options = null)
    {
        options ??= new ScalingOptions();
        options.Slo = TimeSpan.FromSeconds(day.SloSeconds);
        _controller = new PoolController(options, new ScalingOptions.PoolOptions
        {
            Tier = "edge", NodesMin = day.NodesMin, NodesMax = day.NodesMax,
        }, time);
    }

    public string Name => "Lepton";

    public int Urgent { get; private set; }

    public int Desired(PoolSignals signals)
    {
        PoolDecision decision = _controller.Decide(signals);
        if (decision.Desired != decision.Current)
            _controller.Scaled(decision.Current, decision.Desired);
        if (decision.Urgent && decision.Desired > _last)
            Urgent++;
        return _last = decision.Desired;
    }
}
