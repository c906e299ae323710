using System.Diagnostics.Metrics;

namespace Lepton.Compliance.Audit;

/// <summary>The audit log's part of the service's metrics. Names and meanings are listed in README.md.</summary>
internal sealed class AuditMetrics
{
    public const string Name = "Lepton.Compliance";

    private readonly Meter _meter;
    private readonly Counter<long> _entries;
    private readonly Counter<long> _damage;

    public AuditMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(Name);
        _entries = _meter.CreateCounter<long>("lepton.compliance.audit.entries", "{entry}",
            "Events that came, by outcome: written, repeated, refused, overloaded, unavailable.");
        BatchSize = _meter.CreateHistogram<int>("lepton.compliance.audit.batch.size", "{entry}",
            "Entries of a group commit.");
        CommitDuration = _meter.CreateHistogram<double>("lepton.compliance.audit.commit.duration", "s",
            "A group commit: entries, tree and fsync.");
        Checked = _meter.CreateCounter<long>("lepton.compliance.audit.checked", "{entry}",
            "Stored entries that the service verified by itself.");
        _damage = _meter.CreateCounter<long>("lepton.compliance.audit.damage", "{alarm}",
            "Things found that a log that nobody touched does not have, by kind.");
        Heads = _meter.CreateCounter<long>("lepton.compliance.audit.heads", "{head}", "Tree heads signed.");
        Witnessed = _meter.CreateCounter<long>("lepton.compliance.audit.witnessed", "{head}",
            "Heads of other logs that were verified and countersigned.");
        Copied = _meter.CreateCounter<long>("lepton.compliance.audit.copied", "{entry}",
            "Entries of other logs that were verified and kept here.");
        Dropped = _meter.CreateCounter<long>("lepton.compliance.audit.partitions.dropped", "{partition}",
            "Month partitions dropped because they were over.");
    }

    public Histogram<int> BatchSize { get; }

    public Histogram<double> CommitDuration { get; }

    public Counter<long> Checked { get; }

    public Counter<long> Heads { get; }

    public Counter<long> Witnessed { get; }

    public Counter<long> Copied { get; }

    public Counter<long> Dropped { get; }

    public void Came(string outcome, int count) =>
        _entries.Add(count, new KeyValuePair<string, object?>("outcome", outcome));

    public void Damage(string kind) => _damage.Add(1, new KeyValuePair<string, object?>("kind", kind));

    /// <summary>Adds the gauges of what is at this moment.</summary>
    public void Watch(
        Func<long> size, Func<int> waiting, Func<int> degraded, Func<int> alarms, Func<int> keys, Func<int> erasures)
    {
        _meter.CreateObservableGauge("lepton.compliance.audit.size", size, "{entry}", "Entries of the own log.");
        _meter.CreateObservableGauge("lepton.compliance.audit.waiting", waiting, "{entry}",
            "Events that wait to be written.");
        _meter.CreateObservableGauge("lepton.compliance.audit.degraded", degraded, "{copy}",
            "Copies that batches are not waiting for, because they did not answer in time.");
        _meter.CreateObservableGauge("lepton.compliance.audit.alarms", alarms, "{alarm}",
            "Alarms ever raised here and never to be cleared: somebody touched a log.");
        _meter.CreateObservableGauge("lepton.compliance.audit.keys", keys, "{key}", "Persons' keys held.");
        _meter.CreateObservableGauge("lepton.compliance.audit.erasures.open", erasures, "{erasure}",
            "Erasures that not every holder has confirmed.");
    }
}
