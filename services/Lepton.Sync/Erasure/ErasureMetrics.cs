using System.Diagnostics.Metrics;

namespace Lepton.Sync.Erasure;

/// <summary>What erasure counts. Names and meanings are listed in README.md.</summary>
internal sealed class ErasureMetrics
{
    private readonly Counter<long> _applied, _failures, _exported;
    private readonly Histogram<double> _confirmTime;
    private int _open;

    public ErasureMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("Lepton.Sync");
        _applied = meter.CreateCounter<long>("lepton.sync.erasure.applied", "{erasure}",
            "Orders that this node applied.");
        _failures = meter.CreateCounter<long>("lepton.sync.erasure.failures", "{call}",
            "Calls to other nodes that brought no receipt, by node.");
        _exported = meter.CreateCounter<long>("lepton.sync.erasure.exported", "{record}", "Records exported.");
        _confirmTime = meter.CreateHistogram<double>("lepton.sync.erasure.confirm.duration", "s",
            "From the order to the last node's receipt.");
        meter.CreateObservableGauge("lepton.sync.erasure.open", () => Volatile.Read(ref _open), "{erasure}",
            "This node's orders that a node has not confirmed.");
    }

    public int Open { set => Volatile.Write(ref _open, value); }

    public void Applied() => _applied.Add(1);

    public void Failed(string node) => _failures.Add(1, new KeyValuePair<string, object?>("node", node));

    public void Exported() => _exported.Add(1);

    public void Finished(TimeSpan since) => _confirmTime.Record(since.TotalSeconds);
}
