using System.Diagnostics.Metrics;

namespace Lepton.Sync.Stranded;

/// <summary>What is counted of stranded writes. Names and meanings are listed in README.md.</summary>
internal sealed class StrandedMetrics(IMeterFactory meters)
{
    private readonly Counter<long> _settled = meters.Create("Lepton.Sync").CreateCounter<long>(
        "lepton.sync.stranded_writes.settled", "{write}", "Stranded writes that a person decided on, by outcome.");

    public void Settled(string outcome) =>
        _settled.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
}
