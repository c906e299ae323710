using System.ComponentModel.DataAnnotations;

namespace Lepton.Compliance.Search;

/// <summary>Search and export of the audit log. Section <c>Compliance:Search</c>.</summary>
internal sealed class SearchOptions
{
    public const string Section = "Compliance:Search";

    /// <summary>
    /// A search that would read its log for longer is refused (SEARCH_TOO_BROAD). 100 ms to 1 min, default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "100 ms to 1 min")]
    public TimeSpan TimeMax { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the region's other logs may take. 100 ms to 2 min, default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:02:00", ErrorMessage = "100 ms to 2 min")]
    public TimeSpan PeerTimeMax { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Exports at a time; each holds a connection while it reads. 1 to 64, default 4.</summary>
    [Range(1, 64)]
    public int ExportsMax { get; set; } = 4;

    /// <summary>Entries that an export reads at once. 10 to 10,000, default 500.</summary>
    [Range(10, 10_000)]
    public int ExportPage { get; set; } = 500;
}
