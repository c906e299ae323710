using System.ComponentModel.DataAnnotations;

namespace Lepton.Routing.Health;

/// <summary>The circuit of each model at each place. Routing:Circuit.</summary>
internal sealed class CircuitOptions
{
    /// <summary>Failures of the model there, in a row, that open it. Default 5.</summary>
    [Range(1, 1000)]
    public int Failures { get; set; } = 5;

    /// <summary>Time until the first trial; twice that after each one that fails. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "01:00:00")]
    public TimeSpan OpenMin { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest time until a trial. Default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.05", "1.00:00:00")]
    public TimeSpan OpenMax { get; set; } = TimeSpan.FromMinutes(1);
}
