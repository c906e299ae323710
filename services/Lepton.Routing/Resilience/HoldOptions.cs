using System.ComponentModel.DataAnnotations;

namespace Lepton.Routing.Resilience;

/// <summary>Requests that wait for a model which is being loaded. Section <c>Routing:Hold</c>.</summary>
internal sealed class HoldOptions
{
    /// <summary>How long one waits, and never beyond its deadline. 0: not at all. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan TimeMax { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Requests that wait at a time; batch requests take half of it at most. Default 1,000.</summary>
    [Range(0, 1_000_000)]
    public int CountMax { get; set; } = 1000;

    /// <summary>Bytes of the messages that wait; batch requests take half of it at most. Default 64 MiB.</summary>
    [Range(0L, 1L << 40)]
    public long BytesMax { get; set; } = 64L << 20;
}
