using System.Diagnostics.Metrics;

namespace Lepton.Compliance.Client.Audit;

/// <summary>The audit client's metrics. Listed in README.md.</summary>
internal sealed class AuditMetrics
{
    public const string MeterName = "Lepton.Audit";

    private readonly Meter _meter;
    private readonly Counter<long> _spooled, _sent, _dropped, _refused, _sendFailures;
    private readonly Histogram<double> _commit;

    public AuditMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(MeterName);
        _spooled = _meter.CreateCounter<long>("lepton.audit.spooled", "{event}",
            "Events written to the spool.");
        _sent = _meter.CreateCounter<long>("lepton.audit.sent", "{event}",
            "Events that the log answered as written.");
        _dropped = _meter.CreateCounter<long>("lepton.audit.dropped", "{event}",
            "Events lost, by reason: queue_full, spool_full, disk, ring (no log), refused (by the log), door.");
        _refused = _meter.CreateCounter<long>("lepton.audit.refused", "{event}",
            "Events whose work was refused because they could not be kept, by reason.");
        _sendFailures = _meter.CreateCounter<long>("lepton.audit.send.failures", "{call}",
            "Batches that a node did not take, by reason.");
        _commit = _meter.CreateHistogram<double>("lepton.audit.commit.duration", "s",
            "A group's way to the disk.");
    }

    public void Observe(Func<long> bytes, Func<long> events, Func<TimeSpan> age)
    {
        _meter.CreateObservableGauge("lepton.audit.spool.size", bytes, "By", "Bytes in the spool.");
        _meter.CreateObservableGauge("lepton.audit.spool.events", events, "{event}",
            "Events in the spool that the log has not answered for.");
        _meter.CreateObservableGauge("lepton.audit.spool.age", () => age().TotalSeconds, "s",
            "For how long events have waited for an answer of the log.");
    }

    public void Committed(int events, bool written, TimeSpan duration)
    {
        if (!written)
            return;
        _spooled.Add(events);
        _commit.Record(duration.TotalSeconds);
    }

    public void Sent(int events) => _sent.Add(events);

    public void Dropped(string reason, long events) =>
        _dropped.Add(events, new KeyValuePair<string, object?>("error.type", reason));

    public void Refused(string reason) => _refused.Add(1, new KeyValuePair<string, object?>("error.type", reason));

    public void SendFailed(string reason) =>
        _sendFailures.Add(1, new KeyValuePair<string, object?>("error.type", reason));
}
