using System.Diagnostics.Metrics;
using Lepton.Sync.Records;

namespace Lepton.Sync.Placement;

/// <summary>The topology's metrics. Names and meanings are listed in README.md.</summary>
internal sealed class PlacementMetrics
{
    public const string Name = "Lepton.Sync";

    private readonly Meter _meter;

    public PlacementMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(Name);
        Reads = _meter.CreateCounter<long>("lepton.sync.topology.reads", "{read}",
            "Questions to the topology store, by what came of them.");
        Proposals = _meter.CreateCounter<long>("lepton.sync.topology.proposals", "{proposal}",
            "Topologies that this node proposed, by who won.");
        FileFailures = _meter.CreateCounter<long>("lepton.sync.topology.file.failures", "{failure}",
            "The node's own copy was refused, or could not be read or written.");
    }

    public Counter<long> Reads { get; }

    public Counter<long> Proposals { get; }

    public Counter<long> FileFailures { get; }

    public void Read(string outcome) => Reads.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Proposed(bool won) =>
        Proposals.Add(1, new KeyValuePair<string, object?>("outcome", won ? "won" : "lost"));

    public void FileFailed(string operation) =>
        FileFailures.Add(1, new KeyValuePair<string, object?>("operation", operation));

    /// <summary>Adds the gauges of what the node knows.</summary>
    public void Watch(TopologyWatch watch)
    {
        _meter.CreateObservableGauge("lepton.sync.topology.epoch", () => Epoch(watch), "{epoch}",
            "The newest epoch that this node knows.");
        _meter.CreateObservableGauge("lepton.sync.topology.confirmation.age", () => Age(watch), "s",
            "Since the store last confirmed that nothing is newer.");
        _meter.CreateObservableGauge("lepton.sync.slots", () => Slots(watch), "{slot}",
            "Slots that this node is home or replica of, by class.");
        _meter.CreateObservableGauge("lepton.sync.classes.unplaced", () => watch.Plan?.Unplaced.Count ?? 0, "{class}",
            "Classes of the file that no node of the topology may hold.");
        _meter.CreateObservableGauge("lepton.sync.classes.outside", () => watch.Plan?.Outside.Count ?? 0, "{class}",
            "Classes that are in a region which the residency policy does not allow any more.");
    }

    private static IEnumerable<Measurement<long>> Epoch(TopologyWatch watch)
    {
        if (watch.Known is { } topology)
            yield return new Measurement<long>(topology.Epoch);
    }

    private static IEnumerable<Measurement<double>> Age(TopologyWatch watch)
    {
        if (watch.ConfirmationAge is { } age)
            yield return new Measurement<double>(age.TotalSeconds);
    }

    private static IEnumerable<Measurement<long>> Slots(TopologyWatch watch)
    {
        if (watch.Known is not { } topology)
            yield break;
        var self = watch.Self.Id;
        foreach (var recordClass in topology.Classes)
        {
            var map = topology.MapOf(recordClass.Id);
            int homes = 0, replicas = 0;
            for (short slot = 0; slot < SlotId.Count; slot++)
            {
                if (map.Home(new SlotId(slot)) == self)
                    homes++;
                else if (map.Holds(self, new SlotId(slot)))
                    replicas++;
            }
            yield return new Measurement<long>(homes, new("class", recordClass.Name), new("role", "home"));
            yield return new Measurement<long>(replicas, new("class", recordClass.Name), new("role", "replica"));
        }
    }
}
