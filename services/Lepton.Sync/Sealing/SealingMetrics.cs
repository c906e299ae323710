using System.Diagnostics.Metrics;

namespace Lepton.Sync.Sealing;

/// <summary>What sealing counts. Names and meanings are listed in README.md.</summary>
internal sealed class SealingMetrics
{
    private readonly Meter _meter;
    private readonly Counter<long> _plain, _packed, _notOpened;

    public SealingMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("Lepton.Sync");
        _plain = _meter.CreateCounter<long>("lepton.sync.sealing.plain", "By", "Bytes sealed, before compression.");
        _packed = _meter.CreateCounter<long>("lepton.sync.sealing.packed", "By", "The same bytes compressed.");
        _notOpened = _meter.CreateCounter<long>("lepton.sync.sealing.not_opened", "{record}",
            "Records that could not be opened, by why.");
        StoreWrites = _meter.CreateHistogram<double>("lepton.sync.keys.write.duration", "s",
            "A durable write of the key store, by kind: append, rewrite.");
        Destroyed = _meter.CreateCounter<long>("lepton.sync.keys.destroyed", "{key}", "Data keys destroyed.");
        Rotations = _meter.CreateCounter<long>("lepton.sync.keys.rotations", "{rotation}",
            "Key-encryption keys replaced; those that failed have error_type.");
    }

    public Histogram<double> StoreWrites { get; }

    public Counter<long> Destroyed { get; }

    public Counter<long> Rotations { get; }

    /// <summary>Adds the key store's gauges.</summary>
    public void Watch(KeyStore keys, TimeProvider time)
    {
        _meter.CreateObservableGauge("lepton.sync.keys.live", () => keys.LiveCount, "{key}", "Data keys here.");
        _meter.CreateObservableGauge(
            "lepton.sync.keys.erased", () => keys.ErasedCount, "{key}", "Ids of destroyed data keys.");
        _meter.CreateObservableGauge("lepton.sync.keys.erasure_age", () => keys.UnrotatedSince is { } since
            ? (time.GetUtcNow() - since).TotalSeconds : 0, "s",
            "Since the first erasure whose keys' key-encryption key is still there; 0: none.");
    }

    public void Sealed(int plain, int packed)
    {
        _plain.Add(plain);
        _packed.Add(packed);
    }

    public void Opened(OpenState state)
    {
        if (state != OpenState.Opened)
            _notOpened.Add(1, new KeyValuePair<string, object?>("state", state.ToString()));
    }
}
