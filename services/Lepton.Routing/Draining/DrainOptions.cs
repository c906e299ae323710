using System.ComponentModel.DataAnnotations;

namespace Lepton.Routing.Draining;

/// <summary>How a router leaves service. Section <c>Routing:Drain</c>.</summary>
internal sealed class DrainOptions
{
    /// <summary>
    /// How long a router that was told to stop goes on taking new calls, while its health says NOT_SERVING and clients
    /// and other routers turn away. Shorter when no client called within this time and the other routers know. Default
    /// 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan LameDuckTime { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long calls under way get after that before they are cut. Default 60 s, a call's deadline.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan WorkTime { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long a router that has just started says NOT_SERVING while none of its nodes has reported. After that it is
    /// ready with what it has: other regions' nodes, or an honest refusal. Default 10 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan StartTime { get; set; } = TimeSpan.FromSeconds(10);
}
