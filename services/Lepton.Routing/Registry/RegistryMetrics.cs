using System.Diagnostics.Metrics;
using Lepton.Routing.Health;
using Lepton.Routing.V1;
using CircuitState = Lepton.Routing.Health.CircuitState;

namespace Lepton.Routing.Registry;

/// <summary>Gauges over the latest snapshot.</summary>
internal sealed class RegistryMetrics
{
    private static readonly bool[] Liveness = [true, false];
    private static readonly CircuitState[] OpenStates = [CircuitState.Open, CircuitState.HalfOpen, CircuitState.Trial];

    private readonly SnapshotPublisher _snapshots;

    public RegistryMetrics(SnapshotPublisher snapshots, RoutingMetrics metrics)
    {
        _snapshots = snapshots;
        metrics.Meter.CreateObservableGauge("lepton.routing.nodes", Nodes, "{node}", "Nodes by state.");
        metrics.Meter.CreateObservableGauge("lepton.routing.outstanding", Outstanding, "{request}",
            "Requests of this router under way, by node or other region's router.");
        metrics.Meter.CreateObservableGauge("lepton.routing.regions", Regions, "{region}",
            "Other regions by liveness.");
        metrics.Meter.CreateObservableGauge("lepton.routing.ejected", Ejected, "{place}", "Places ejected now.");
        metrics.Meter.CreateObservableGauge("lepton.routing.circuits", Circuits, "{circuit}",
            "Circuits that are not closed, by state.");
    }

    private IEnumerable<Measurement<int>> Nodes() => Enum.GetValues<NodeState>()
        .Where(state => state != NodeState.Unspecified)
        .Select(state => new Measurement<int>(_snapshots.Current.Nodes.Count(n => n.State == state),
            new KeyValuePair<string, object?>("lepton.node.state", state.ToString().ToLowerInvariant())));

    private IEnumerable<Measurement<int>> Outstanding() => _snapshots.Current.Nodes
        .Select(n => new Measurement<int>(n.Outstanding, new KeyValuePair<string, object?>("lepton.node", n.Id)))
        .Concat(_snapshots.Current.Regions.Select(r => new Measurement<int>(
            r.Models.Sum(m => m.Lane.Outstanding), new KeyValuePair<string, object?>("lepton.region", r.Name),
            new KeyValuePair<string, object?>("lepton.router", r.Site.Name))));

    private int Ejected() => _snapshots.Current.Nodes.Count(n => n.Health.Ejection is not null)
        + _snapshots.Current.Regions.Count(r => r.Health.Ejection is not null);

    private IEnumerable<Measurement<int>> Circuits()
    {
        CircuitState[] states =
        [
            .. _snapshots.Current.Nodes.SelectMany(n => n.Models.Select(m => m.Lane.CircuitState)),
            .. _snapshots.Current.Regions.SelectMany(r => r.Models.Select(m => m.Lane.CircuitState)),
        ];
        return OpenStates.Select(state => new Measurement<int>(states.Count(s => s == state),
            new KeyValuePair<string, object?>("lepton.circuit.state", HealthReporter.Name(state))));
    }

    private IEnumerable<Measurement<int>> Regions() => Liveness.Select(live => new Measurement<int>(
        _snapshots.Current.Regions.GroupBy(r => r.Name).Count(ways => ways.Any(w => w.Live) == live),
        new KeyValuePair<string, object?>("lepton.live", live)));
}
