using System.ComponentModel.DataAnnotations;

namespace Lepton.Routing.Resilience;

/// <summary>Requests that wait for a model which is being loaded. Section <c>Routing:Hold</c>.</summary>
internal sealed class HoldOptions
{
    /// <summary>How long one waits, and never beyond its deadline. 0: not at all. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00", ErrorMessage = "Routing:Hold:TimeMax takes 0 to 10 min.")]
    public TimeSpan TimeMax { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Requests that wait at a time; batch requests take half of it at most. Default 1,000.</summary>
    [Range(0, 1_000_000, ErrorMessage = "Routing:Hold:CountMax takes 0 to 1000000.")]
    public int CountMax { get; set; } = 1000;

    /// <summary>Bytes of the messages that wait; batch requests take half of it at most. Default 64 MiB.</summary>
    [Range(0L, 1L << 40, ErrorMessage = "Routing:Hold:BytesMax takes 0 bytes to 1 TiB.")]
    public long BytesMax { get; set; } = 64L << 20;
}
