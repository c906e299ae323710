using System.Diagnostics.Metrics;

namespace Lepton.Sync.Tombstones;

/// <summary>What collecting counts. Names and meanings are listed in README.md.</summary>
internal sealed class TombstoneMetrics
{
    private readonly Meter _meter;
    private readonly Counter<long> _collected;

    public TombstoneMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("Lepton.Sync");
        _collected = _meter.CreateCounter<long>("lepton.sync.tombstones.collected", "{row}",
            "Old tombstones deleted here, by role: home or replica.");
    }

    public void Collected(string role, int rows) =>
        _collected.Add(rows, new KeyValuePair<string, object?>("role", role));

    /// <summary>Adds the gauge of slots whose tombstones cannot be collected yet.</summary>
    public void WatchWaiting(Func<int> slots) => _meter.CreateObservableGauge("lepton.sync.tombstones.waiting", slots,
        "{slot}", "Slots of this home's whose tombstones wait for a replica to confirm them.");
}
