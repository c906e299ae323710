using System.ComponentModel.DataAnnotations;

namespace Lepton.Identity.Requests;

/// <summary>
/// How often one may ask, for each instance. Section <c>Identity:Rate</c>. A burst may be a minute's worth.
/// </summary>
internal sealed class RateOptions
{
    /// <summary>Requests of one address a minute. 1 to 1,000,000, default 1,200.</summary>
    [Range(1, 1_000_000)]
    public int AddressPerMinute { get; set; } = 1200;

    /// <summary>Requests of one client that authenticated, a minute. 1 to 1,000,000, default 600.</summary>
    [Range(1, 1_000_000)]
    public int ClientPerMinute { get; set; } = 600;

    /// <summary>Codes and passwords tried from one address a minute. 1 to 1,000,000, default 30.</summary>
    [Range(1, 1_000_000)]
    public int LogInPerMinute { get; set; } = 30;

    /// <summary>Addresses and clients that are counted at a time. 100 to 1,000,000, default 20,000.</summary>
    [Range(100, 1_000_000)]
    public int CountedMax { get; set; } = 20_000;
}
