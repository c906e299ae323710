using System.ComponentModel.DataAnnotations;

namespace Lepton.Routing.Resilience;

/// <summary>What of a deadline is kept for the way. Section <c>Routing:Deadlines</c>.</summary>
internal sealed class DeadlineOptions
{
    /// <summary>The least that is kept for the answer's way back. Default 1 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:10")]
    public TimeSpan AllowanceMin { get; set; } = TimeSpan.FromMilliseconds(1);

    /// <summary>The most that is kept, however far the place is. Default 250 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:00:10")]
    public TimeSpan AllowanceMax { get; set; } = TimeSpan.FromMilliseconds(250);
}
