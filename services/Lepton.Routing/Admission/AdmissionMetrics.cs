using System.Diagnostics.Metrics;
using Lepton.Routing.Balancing;
using Lepton.Routing.Registry;

namespace Lepton.Routing.Admission;

/// <summary>What limits did. Names and meanings are listed in README.md.</summary>
internal sealed class AdmissionMetrics
{
    public AdmissionMetrics(RoutingMetrics metrics, SnapshotPublisher snapshots)
    {
        Meter meter = metrics.Meter;
        Shed = meter.CreateCounter<long>("lepton.routing.shed", "{request}",
            "Requests refused as OVERLOADED, by class and by the limit that was reached.");
        Waiting = meter.CreateUpDownCounter<long>("lepton.routing.waiting", "{request}",
            "Requests that wait because every allowed place is at its limit.");
        WaitDuration = meter.CreateHistogram<double>("lepton.routing.wait.duration", "s",
            "How long they waited, by whether they were served.");
        meter.CreateObservableGauge("lepton.routing.place.limit", () => Limits(snapshots.Current), "{request}",
            "Learned limits of this router's requests for a model at a place; none: nothing was learned.");
    }

    public Counter<long> Shed { get; }

    public UpDownCounter<long> Waiting { get; }

    public Histogram<double> WaitDuration { get; }

    private static IEnumerable<Measurement<int>> Limits(RegistrySnapshot snapshot) => snapshot.Nodes
        .SelectMany(n => n.Models.Select(m => (Place: n.Id, m.Lane)))
        .Concat(snapshot.Regions.SelectMany(r => r.Models.Select(m => (Place: r.Site.Name, m.Lane))))
        .Where(p => p.Lane.IsLimited)
        .Select(p => new Measurement<int>(p.Lane.Limit,
            new KeyValuePair<string, object?>("lepton.place", p.Place),
            new KeyValuePair<string, object?>("lepton.model", p.Lane.Model)));
}
