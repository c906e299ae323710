using System.ComponentModel.DataAnnotations;

namespace Lepton.Routing.Health;

/// <summary>How a place that is new, or back from an ejection, comes to its full share. Routing:SlowStart.</summary>
internal sealed class SlowStartOptions
{
    /// <summary>Time to the full share. Default 10 s; 0: at once.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan Window { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Share of weight and slots at the start, in percent. Default 10.</summary>
    [Range(1, 100, ErrorMessage = "1 to 100 percent")]
    public int ShareMin { get; set; } = 10;
}
