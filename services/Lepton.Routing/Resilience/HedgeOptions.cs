using System.ComponentModel.DataAnnotations;

namespace Lepton.Routing.Resilience;

/// <summary>A second attempt beside a slow first. Section <c>Routing:Hedging</c>.</summary>
internal sealed class HedgeOptions
{
    /// <summary>Default true. False: a slow request is waited for.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>A request is slow when this share of its model's answers came sooner. Default 0.95.</summary>
    [Range(0.5, 0.999)]
    public double Percentile { get; set; } = 0.95;

    /// <summary>It is never slow before this, however quick the others are. Default 10 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan DelayMin { get; set; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Answers of the last 30 s that are needed to tell what is slow. Default 100.</summary>
    [Range(10, 1_000_000)]
    public int SamplesMin { get; set; } = 100;
}
