using System.Diagnostics.Metrics;

namespace Lepton.Sync.Client;

/// <summary>The client's metrics.</summary>
internal sealed class ControlMetrics
{
    public const string MeterName = "Lepton.Control";

    private readonly Meter _meter;

    public ControlMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(MeterName);
        Records = _meter.CreateCounter<long>("lepton.control.records", "{record}",
            "Control records that came in, by record and outcome: taken, passed (a file is as new), refused.");
        SnapshotFailures = _meter.CreateCounter<long>("lepton.control.snapshot.failures", "{failure}",
            "The snapshot on disk: verify (damaged or forged), read, write.");
        FeedEnds = _meter.CreateCounter<long>("lepton.control.feed.ends", "{stream}",
            "Feeds of a node that ended, by reason.");
        Repetitions = _meter.CreateCounter<long>("lepton.control.repetitions", "{call}",
            "Calls that were made again at another node or later.");
    }

    public Counter<long> Records { get; }

    public Counter<long> SnapshotFailures { get; }

    public Counter<long> FeedEnds { get; }

    public Counter<long> Repetitions { get; }

    public void Observe(IReadOnlyCollection<ControlTarget> targets, Func<TimeSpan?> age)
    {
        _meter.CreateObservableGauge("lepton.control.version",
            () => targets.Select(t => new Measurement<long>(
                t.Version, new KeyValuePair<string, object?>("lepton.record", t.Key))),
            "{version}", "Version in use, by record.");
        _meter.CreateObservableGauge("lepton.control.age",
            () => age() is { } known ? [new Measurement<double>(known.TotalSeconds)] : (Measurement<double>[])[],
            "s", "Since when the control data in use may have been overtaken; nothing where there are no records.");
    }
}
