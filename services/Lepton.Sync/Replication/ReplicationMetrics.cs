using System.Diagnostics.Metrics;

namespace Lepton.Sync.Replication;

/// <summary>What replication counts. Names and meanings are listed in README.md.</summary>
internal sealed class ReplicationMetrics
{
    public const string Name = "Lepton.Sync";

    private readonly Meter _meter;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _damaged;
    private readonly Counter<long> _streamEnds;
    private readonly Counter<long> _applied;

    public ReplicationMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(Name);
        Captured = _meter.CreateCounter<long>("lepton.sync.capture.records", "{record}",
            "Rows read from the write-ahead log.");
        CaptureLosses = _meter.CreateCounter<long>("lepton.sync.capture.losses", "{loss}",
            "Times that the place in the write-ahead log was lost and a new timeline began.");
        SpoolCut = _meter.CreateCounter<long>("lepton.sync.spool.cut", "By",
            "Bytes of the spool given up: torn, damaged, or beyond its bound before everybody had them.");
        Sent = _meter.CreateCounter<long>("lepton.sync.replication.sent", "{record}", "Rows sent to other nodes.");
        SentBytes = _meter.CreateCounter<long>("lepton.sync.replication.sent.size", "By", "Bytes of frames sent.");
        _applied = _meter.CreateCounter<long>("lepton.sync.replication.applied", "{record}",
            "Rows of other nodes committed here, by lepton.node and by kind: stream or copy.");
        _refused = _meter.CreateCounter<long>("lepton.sync.replication.refused", "{record}",
            "Rows and keys refused, by error.type.");
        _damaged = _meter.CreateCounter<long>("lepton.sync.replication.damaged", "{record}",
            "Frames and rows whose checksum or digest was wrong, by kind: frame, row or quarantined.");
        _streamEnds = _meter.CreateCounter<long>("lepton.sync.replication.stream.ends", "{stream}",
            "Streams from sources that ended, by lepton.node.");
        KeysMissing = _meter.CreateCounter<long>("lepton.sync.replication.keys.missing", "{key}",
            "Data keys that the source did not have either.");
        Copied = _meter.CreateCounter<long>("lepton.sync.copy.slots", "{slot}", "Slots copied from their home.");
        Stranded = _meter.CreateCounter<long>("lepton.sync.copy.stranded", "{record}",
            "Rows that a slot's new home did not have, put aside.");
        ConfirmDuration = _meter.CreateHistogram<double>("lepton.sync.confirmation.duration", "s",
            "From a commit's place being known to its level being met.");
    }

    public Counter<long> Captured { get; }

    public Counter<long> CaptureLosses { get; }

    public Counter<long> SpoolCut { get; }

    public Counter<long> Sent { get; }

    public Counter<long> SentBytes { get; }

    public Counter<long> KeysMissing { get; }

    public Counter<long> Copied { get; }

    public Counter<long> Stranded { get; }

    public Histogram<double> ConfirmDuration { get; }

    public void Applied(string node, string kind, int records) => _applied.Add(records,
        new KeyValuePair<string, object?>("lepton.node", node), new KeyValuePair<string, object?>("kind", kind));

    public void Refused(string reason, int records) =>
        _refused.Add(records, new KeyValuePair<string, object?>("error.type", reason));

    public void Damaged(string kind) => _damaged.Add(1, new KeyValuePair<string, object?>("kind", kind));

    public void StreamEnded(string node) =>
        _streamEnds.Add(1, new KeyValuePair<string, object?>("lepton.node", node));

    public void WatchWal(Func<long?> retainedBytes) => _meter.CreateObservableGauge("lepton.sync.capture.wal.size",
        () => retainedBytes() is { } bytes ? [new Measurement<long>(bytes)] : Array.Empty<Measurement<long>>(), "By",
        "Write-ahead log that the replication slot holds back.");

    public void WatchSpool(Func<long> bytes) => _meter.CreateObservableGauge("lepton.sync.spool.size", bytes, "By",
        "The spool on disk.");

    public void WatchWaiters(Func<int> waiters) => _meter.CreateObservableGauge("lepton.sync.confirmation.waiters",
        waiters, "{write}", "Writes that wait to be confirmed by other nodes.");

    public void WatchLag(Func<IEnumerable<(string Node, TimeSpan Lag)>> lags) => _meter.CreateObservableGauge(
        "lepton.sync.replication.lag", () => lags().Select(l => new Measurement<double>(l.Lag.TotalSeconds,
            new KeyValuePair<string, object?>("lepton.node", l.Node))), "s",
        "At most this old is what is held of a node, by lepton.node.");

    public void WatchCopies(Func<IEnumerable<(string Node, int Slots)>> slots) => _meter.CreateObservableGauge(
        "lepton.sync.copy.slots_left", () => slots().Select(s => new Measurement<int>(s.Slots,
            new KeyValuePair<string, object?>("lepton.node", s.Node))), "{slot}",
        "Slots still to be copied, by lepton.node.");

    public void WatchQuarantine(Func<int> records) => _meter.CreateObservableGauge(
        "lepton.sync.replication.quarantined", records, "{record}",
        "Rows that came damaged again and again, put aside and not held here.");
}
