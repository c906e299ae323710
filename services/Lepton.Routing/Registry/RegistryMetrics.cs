using System.Diagnostics.Metrics;
using Lepton.Routing.V1;

namespace Lepton.Routing.Registry;

/// <summary>Gauges over the latest snapshot.</summary>
internal sealed class RegistryMetrics
{
    private static readonly bool[] Liveness = [true, false];

    private readonly SnapshotPublisher _snapshots;

    public RegistryMetrics(SnapshotPublisher snapshots, RoutingMetrics metrics)
    {
        _snapshots = snapshots;
        metrics.Meter.CreateObservableGauge("lepton.routing.nodes", Nodes, "{node}", "Nodes by state.");
        metrics.Meter.CreateObservableGauge("lepton.routing.outstanding", Outstanding, "{request}",
            "Requests of this router under way, by node or region.");
        metrics.Meter.CreateObservableGauge("lepton.routing.regions", Regions, "{region}",
            "Other regions by liveness.");
    }

    private IEnumerable<Measurement<int>> Nodes() => Enum.GetValues<NodeState>()
        .Where(state => state != NodeState.Unspecified)
        .Select(state => new Measurement<int>(_snapshots.Current.Nodes.Count(n => n.State == state),
            new KeyValuePair<string, object?>("lepton.node.state", state.ToString().ToLowerInvariant())));

    private IEnumerable<Measurement<int>> Outstanding() => _snapshots.Current.Nodes
        .Select(n => new Measurement<int>(n.Outstanding, new KeyValuePair<string, object?>("lepton.node", n.Id)))
        .Concat(_snapshots.Current.Regions.Select(r => new Measurement<int>(
            r.Models.Sum(m => m.Lane.Outstanding), new KeyValuePair<string, object?>("lepton.region", r.Name))));

    private IEnumerable<Measurement<int>> Regions() => Liveness.Select(live => new Measurement<int>(
        _snapshots.Current.Regions.Count(r => r.Live == live), new KeyValuePair<string, object?>("lepton.live", live)));
}
