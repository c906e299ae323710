using System.Diagnostics.Metrics;

namespace Lepton.Sync.Storage;

/// <summary>The storage's part of the service's metrics. Names and meanings are listed in README.md.</summary>
internal sealed class StorageMetrics
{
    public const string Name = "Lepton.Sync";

    private readonly Meter _meter;
    private readonly Counter<long> _writes;
    private readonly Counter<long> _failures;
    private readonly Counter<long> _settled;
    private readonly Histogram<double> _duration;

    public StorageMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(Name);
        _writes = _meter.CreateCounter<long>("lepton.sync.writes", "{write}", "Writes at their home, by outcome.");
        BatchSize = _meter.CreateHistogram<int>("lepton.sync.batch.size", "{write}", "Writes of a group commit.");
        _duration = _meter.CreateHistogram<double>("lepton.sync.database.duration", "s",
            "A use of the database, commit included, by operation.");
        _failures = _meter.CreateCounter<long>("lepton.sync.database.failures", "{failure}",
            "Uses of the database that failed, by operation and kind.");
        Stranded = _meter.CreateCounter<long>("lepton.sync.stranded_writes", "{write}",
            "Rows that a promotion elsewhere left behind here, kept apart.");
        _settled = _meter.CreateCounter<long>("lepton.sync.stranded_writes.settled", "{write}",
            "Stranded writes that a person decided on, by outcome: restored, discarded.");
        RequestsSwept = _meter.CreateCounter<long>("lepton.sync.requests.swept", "{row}",
            "Request ids forgotten because they were over.");
    }

    public Histogram<int> BatchSize { get; }

    public Counter<long> Stranded { get; }

    public Counter<long> RequestsSwept { get; }

    public void Written(HomeOutcomeKind outcome) => _writes.Add(1,
        new KeyValuePair<string, object?>("outcome", outcome switch
        {
            HomeOutcomeKind.Done => "done",
            HomeOutcomeKind.Conflict => "conflict",
            HomeOutcomeKind.Repeated => "repeated",
            HomeOutcomeKind.NotDone => "not_done",
            HomeOutcomeKind.Unknown => "unknown",
            HomeOutcomeKind.Overloaded => "overloaded",
            _ => "cancelled",
        }));

    public void StrandedSettled(string outcome) =>
        _settled.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Used(string operation, TimeSpan duration) => _duration.Record(duration.TotalSeconds,
        new KeyValuePair<string, object?>("operation", operation));

    /// <param name="error"><c>unavailable</c>, <c>unknown</c> or, of a bug, the exception's type.</param>
    public void Failed(string operation, string error) => _failures.Add(1,
        new KeyValuePair<string, object?>("operation", operation),
        new KeyValuePair<string, object?>("error.type", error));

    /// <summary>Adds the gauge of what waits for a batch.</summary>
    public void WatchWaiting(Func<int> waiting) => _meter.CreateObservableGauge(
        "lepton.sync.writes.waiting", waiting, "{write}", "Writes that wait for a batch.");

    /// <summary>Adds the gauge of how far the machine's clock is behind the versions.</summary>
    public void WatchClock(Func<double> lagSeconds) => _meter.CreateObservableGauge(
        "lepton.sync.clock.lag", lagSeconds, "s", "How far this machine's clock is behind the greatest version seen.");
}
