using System.Globalization;
using System.Text.RegularExpressions;

namespace Lepton.Benchmarks.Failover;

/// <summary>
/// Calls that nodes took to process, by data class, as the nodes themselves count them: whatever a client or a router
/// believes, data was where these say.
/// </summary>
internal sealed partial class NodeCounts
{
    private readonly Dictionary<(string Node, string DataClass), long> _counts = [];

    public static async Task<NodeCounts> ReadAsync(BenchPlatform platform)
    {
        NodeCounts counts = new();
        foreach (IGrouping<string, BenchNodeSite> region in platform.Nodes.GroupBy(n => n.Region))
        {
            using HttpClient http = platform.Scraper(region.Key);
            foreach (BenchNodeSite node in region)
            {
                string text = await http.GetStringAsync($"https://127.0.0.1:{node.Port}/metrics");
                foreach (Match line in Admitted().Matches(text))
                    counts._counts[(node.Name, line.Groups[1].Value)] =
                        (long)double.Parse(line.Groups[2].Value, CultureInfo.InvariantCulture);
            }
        }
        return counts;
    }

    /// <summary>Calls of a class taken at these nodes since the earlier reading.</summary>
    public long Since(NodeCounts earlier, IEnumerable<BenchNodeSite> nodes, string dataClass) => nodes.Sum(node =>
    {
        long then = earlier._counts.GetValueOrDefault((node.Name, dataClass));
        long now = _counts.GetValueOrDefault((node.Name, dataClass));
        return now >= then ? now - then : now; // fewer: the node was started again and counts from 0
    });

    [GeneratedRegex("""^lepton_inference_requests_admitted_total\{[^}]*lepton_data_class="([^"]+)"[^}]*\} (\S+)""",
        RegexOptions.Multiline)]
    private static partial Regex Admitted();
}
