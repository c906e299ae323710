using System.ComponentModel.DataAnnotations;

namespace Lepton.Routing.Health;

/// <summary>What failures add to the learned service time. Routing:Penalty.</summary>
internal sealed class PenaltyOptions
{
    /// <summary>
    /// A place that fails every request counts as this many times its service time slower. Default 10; 0: none.
    /// </summary>
    [Range(0.0, 1000.0)]
    public double Factor { get; set; } = 10;

    /// <summary>Time in which half of a penalty is forgiven without an answer. Default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan HalfLife { get; set; } = TimeSpan.FromSeconds(5);
}
