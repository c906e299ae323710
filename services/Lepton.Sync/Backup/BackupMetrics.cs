using System.Diagnostics.Metrics;

namespace Lepton.Sync.Backup;

/// <summary>The backup's part of the service's metrics. Names and meanings are listed in README.md.</summary>
internal sealed class BackupMetrics
{
    private readonly Meter _meter;
    private readonly Counter<long> _logBytes;
    private readonly Counter<long> _failures;
    private readonly Histogram<double> _duration;

    public BackupMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(Storage.StorageMetrics.Name);
        _logBytes = _meter.CreateCounter<long>("lepton.sync.backup.log", "By", "Write-ahead log that was saved.");
        Gaps = _meter.CreateCounter<long>(
            "lepton.sync.backup.log.gaps", "{gap}", "Parts of the log that were lost before they were saved.");
        _duration = _meter.CreateHistogram<double>(
            "lepton.sync.backup.duration", "s", "A base backup or a verification, by operation and outcome.");
        _failures = _meter.CreateCounter<long>(
            "lepton.sync.backup.failures", "{failure}", "What did not succeed, by operation and kind.");
    }

    public Counter<long> Gaps { get; }

    public void Saved(long bytes) => _logBytes.Add(bytes);

    public void Done(string operation, TimeSpan duration, bool succeeded) => _duration.Record(
        duration.TotalSeconds, new KeyValuePair<string, object?>("operation", operation),
        new KeyValuePair<string, object?>("outcome", succeeded ? "ok" : "failed"));

    public void Failed(string operation, string kind) => _failures.Add(
        1, new KeyValuePair<string, object?>("operation", operation),
        new KeyValuePair<string, object?>("error.type", kind));

    /// <summary>Adds the gauges of how old things are; NaN is never reported.</summary>
    public void Watch(
        Func<double?> backupAge, Func<double?> verificationAge, Func<double?> logLag, Func<double?> logLagBytes)
    {
        Gauge("lepton.sync.backup.age", "s", "Since the newest complete backup ended.", backupAge);
        Gauge("lepton.sync.backup.verification.age", "s", "Since a backup was last restored and found good.",
            verificationAge);
        Gauge("lepton.sync.backup.log.lag", "s", "Since the archive last held the whole log.", logLag);
        Gauge("lepton.sync.backup.log.lag_bytes", "By", "Log of the server that is not saved yet.", logLagBytes);
    }

    private void Gauge(string name, string unit, string description, Func<double?> read) =>
        _meter.CreateObservableGauge<double>(
            name, () => read() is { } value ? [new Measurement<double>(value)] : [], unit, description);
}
