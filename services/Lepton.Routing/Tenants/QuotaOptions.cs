using System.ComponentModel.DataAnnotations;

namespace Lepton.Routing.Tenants;

/// <summary>How a region's routers keep tenants' quotas together. Section <c>Routing:Quotas</c>.</summary>
internal sealed class QuotaOptions
{
    /// <summary>How often each router tells its siblings what its tenants used. Default 100 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.01", "00:00:05")]
    public TimeSpan ShareInterval { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>A sibling that was silent for so long has nothing under way. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan SiblingAgeMax { get; set; } = TimeSpan.FromSeconds(2);
}
