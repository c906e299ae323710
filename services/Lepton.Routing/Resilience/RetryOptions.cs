using System.ComponentModel.DataAnnotations;

namespace Lepton.Routing.Resilience;

/// <summary>Second attempts and what they may cost. Section <c>Routing:Retries</c>.</summary>
internal sealed class RetryOptions
{
    /// <summary>Retries and hedges allowed, as a share of a model's requests of the last 10 s. Default 0.2.</summary>
    [Range(0.0, 1.0)]
    public double Share { get; set; } = 0.2;

    /// <summary>Beside the share, this many a second, so that rare requests may be retried too. Default 10.</summary>
    [Range(0.0, 10_000.0)]
    public double PerSecond { get; set; } = 10;

    /// <summary>
    /// Bytes of a unary answer that are held back until it is whole: one that breaks off within them is fetched
    /// elsewhere. 0: none, every break reaches the caller. At most half of the window that a place may fill unread.
    /// Default 64 KiB.
    /// </summary>
    [Range(0, Http2.Limits.StreamWindow / 2)]
    public int AnswerHeldBytesMax { get; set; } = 64 << 10;
}
