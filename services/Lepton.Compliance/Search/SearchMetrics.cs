using System.Diagnostics.Metrics;

namespace Lepton.Compliance.Search;

/// <summary>What is counted of searches and exports.</summary>
internal sealed class SearchMetrics
{
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _exported;
    private int _exports;

    public SearchMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("Lepton.Compliance");
        _duration = meter.CreateHistogram<double>("lepton.compliance.search.duration", "s",
            "Searches of the region's logs; refused ones have error_type.");
        _exported = meter.CreateCounter<long>("lepton.compliance.export.entries", "{entry}",
            "Entries that were exported, by format.");
        meter.CreateObservableGauge("lepton.compliance.export.active", () => Volatile.Read(ref _exports), "{export}",
            "Exports under way.");
    }

    public void Searched(TimeSpan duration, string? error) => _duration.Record(duration.TotalSeconds,
        error is null ? [] : [new KeyValuePair<string, object?>("error.type", error)]);

    public void Exported(string format, long entries) =>
        _exported.Add(entries, new KeyValuePair<string, object?>("lepton.format", format));

    /// <summary>Whether one more may begin.</summary>
    public bool TryBegin(int max)
    {
        if (Interlocked.Increment(ref _exports) <= max)
            return true;
        End();
        return false;
    }

    public void End() => Interlocked.Decrement(ref _exports);
}
