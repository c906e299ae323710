using Lepton.Routing.Registry;
using Lepton.Routing.Resilience;
using Lepton.Routing.V1;

namespace Lepton.Routing.Scaling.Signals;

/// <summary>Reads pools' signals out of the latest snapshot: what nodes report once a second to every router.</summary>
internal sealed class SignalReader(SnapshotPublisher snapshots, FlowTable flows)
{
    public PoolSignals Read(Tier tier)
    {
        NodeView[] nodes = [.. snapshots.Current.Nodes.Where(n => n.Report.Tier == tier && n.State != NodeState.Out)];
        Dictionary<string, double> latency = flows.All.ToDictionary(f => f.Model, f => f.Latency.SlowSeconds);
        return new PoolSignals(tier, [.. nodes.Select(Of)],
        [
            .. nodes.Where(n => n.MayServe)
                .SelectMany(n => n.Models.Where(m => m.Ready).Select(m => (Node: n, Model: m)))
                .GroupBy(p => p.Model.Name, StringComparer.Ordinal)
                .OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => Of(g.Key, [.. g], latency.GetValueOrDefault(g.Key))),
        ]);
    }

    private static NodeSignal Of(NodeView node)
    {
        LoadReport load = node.Report.Load ?? new LoadReport();
        int busy = (int)Math.Min(load.InFlight + (long)load.Queued, int.MaxValue);
        return new NodeSignal(node.Id, node.State, Share(load.CpuUtilization),
            load.Gpus.Count == 0 ? null : load.Gpus.Max(g => Share(g.Utilization)),
            load.MemoryLimitBytes == 0 ? null : Share((double)load.MemoryUsedBytes / load.MemoryLimitBytes),
            Math.Max(busy, node.Outstanding));
    }

    private static ModelSignal Of(string model, (NodeView Node, ServedModel Model)[] places, double latencySeconds)
    {
        // Each node's mean counts by what it answers; nodes that answer nothing lately don't.
        double rate = 0, weighted = 0, plain = 0;
        int timed = 0;
        foreach ((NodeView node, ServedModel served) in places)
        {
            double own = node.Report.Models
                .FirstOrDefault(m => m.Name == served.Name && m.Version == served.Version)?.RequestRate ?? 0;
            own = double.IsFinite(own) ? Math.Max(0, own) : 0;
            rate += own;
            if (served.ServiceSeconds > 0)
                (weighted, plain, timed) = (weighted + (own * served.ServiceSeconds), plain + served.ServiceSeconds,
                    timed + 1);
        }
        double service = weighted > 0 ? weighted / rate : timed > 0 ? plain / timed : 0;
        return new ModelSignal(model, places.Select(p => p.Node.Id).Distinct().Count(),
            places.Sum(p => p.Model.Slots), places.Sum(p => p.Model.InFlight), places.Sum(p => p.Model.Queued),
            rate, service, latencySeconds);
    }

    private static double Share(double value) => double.IsFinite(value) ? Math.Clamp(value, 0, 1) : 0;
}
