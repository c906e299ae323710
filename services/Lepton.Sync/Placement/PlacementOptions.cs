using System.ComponentModel.DataAnnotations;
using System.Data.Common;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lepton.Sync.Records;

namespace Lepton.Sync.Placement;

/// <summary>
/// What a node is told of the others and of the classes. Section <c>Sync</c>. A bad value stops the start with its name
/// and what it takes.
/// </summary>
internal sealed class PlacementOptions
{
    public const string Section = "Sync";

    /// <summary>A file with 32 bytes in base64, by which the node authenticates its own files. Required.</summary>
    [Required(ErrorMessage = "the path of a file with 32 bytes in base64")]
    public string KeyFile { get; set; } = "";

    /// <summary>The record classes, JSON (<c>deploy/records.json</c>). Required.</summary>
    [Required(ErrorMessage = "the path of the file of record classes")]
    public string ClassesFile { get; set; } = "";

    /// <summary>The residency policy, JSON. As with every service, by <c>Lepton:PolicyFile</c>. Required.</summary>
    public string PolicyFile { get; set; } = "";

    /// <summary>
    /// Every node, this one too, the same list at every node. 1 to 1,024. The first topology has these, in this order;
    /// later ones change by no configuration.
    /// </summary>
    public IList<NodeOptions> Nodes { get; } = [];

    public TopologyOptions Topology { get; set; } = new();

    /// <summary>The nodes as a first topology has them.</summary>
    public IReadOnlyList<SyncNode> ToNodes() =>
        [.. Nodes.Select((n, i) => new SyncNode(new NodeId((short)i), n.Region, n.Zone, n.Weight))];
}

/// <summary>One node. Section <c>Sync:Nodes:N</c>.</summary>
internal sealed class NodeOptions
{
    /// <summary>As its own <c>Lepton:Region</c>. Required.</summary>
    public string Region { get; set; } = "";

    /// <summary>As its own <c>Lepton:Zone</c>. Default <c>a</c>.</summary>
    public string Zone { get; set; } = "a";

    /// <summary>Where the others reach it: https, a host and a port alone. Required.</summary>
    public string Url { get; set; } = "";

    /// <summary>Its share of slots against others'. 1 to 1,000, default 100.</summary>
    public int Weight { get; set; } = 100;
}

/// <summary>The topology, its store and this node's copy. Section <c>Sync:Topology</c>.</summary>
internal sealed class TopologyOptions
{
    /// <summary>Connection string of the store's database. Required, or <see cref="DatabaseFile"/>.</summary>
    public string Database { get; set; } = "";

    /// <summary>
    /// A file with the connection string alone, or an embedded server's <c>connections.json</c> (the entry <c>sync</c>
    /// counts). It may come into being while the service starts.
    /// </summary>
    public string DatabaseFile { get; set; } = "";

    /// <summary>Where this node keeps the newest topology for a start without the store. Required.</summary>
    [Required(ErrorMessage = "the path of a file that this node alone writes")]
    public string File { get; set; } = "";

    /// <summary>How often the store is asked. 100 ms to 1 min, default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "100 ms to 1 min")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Deadline of a question to the store. 100 ms to 1 min, default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "100 ms to 1 min")]
    public TimeSpan TimeMax { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a start without a kept topology waits for the store. 0 s to 10 min, default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00", ErrorMessage = "0 s to 10 min")]
    public TimeSpan StartTimeMax { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Without a confirmation for so long the node's health is degraded. 1 s to 1 h, default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00", ErrorMessage = "1 s to 1 h")]
    public TimeSpan ConfirmationAgeMax { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How new classes are placed: minimum-move, rendezvous or modulo. Default minimum-move.</summary>
    public string Strategy { get; set; } = PlacementStrategies.Default;

    /// <summary>The connection string, from where it is configured.</summary>
    /// <exception cref="IOException">The file is not there (yet).</exception>
    /// <exception cref="InvalidDataException">It holds no connection string.</exception>
    public DbConnectionStringBuilder ReadConnection()
    {
        var text = Database.Length > 0 ? Database : System.IO.File.ReadAllText(DatabaseFile).Trim();
        try
        {
            if (text.StartsWith('{'))
            {
                using var json = JsonDocument.Parse(text);
                text = json.RootElement.TryGetProperty("sync", out var entry)
                    && entry.ValueKind == JsonValueKind.String && entry.GetString() is { Length: > 0 } connection
                    ? connection
                    : throw new InvalidDataException(
                        $"Sync:Topology:DatabaseFile: {DatabaseFile} has no entry \"sync\".");
            }
            return new DbConnectionStringBuilder { ConnectionString = text };
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            // Its text would be a password's.
            throw new InvalidDataException("Sync:Topology:Database or its DatabaseFile is no connection string.");
        }
    }
}

/// <summary>What attributes cannot say.</summary>
internal static partial class PlacementRules
{
    private const int NodesMax = 1024;
    private const int WeightMax = 1000;

    public static IEnumerable<string> Faults(PlacementOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.PolicyFile))
            yield return "Lepton:PolicyFile takes the path of the residency policy.";
        var topology = options.Topology;
        if (topology.Database.Length > 0 == topology.DatabaseFile.Length > 0)
            yield return "Sync:Topology:Database takes a connection string, or Sync:Topology:DatabaseFile a file with "
                + "it: one of the two.";
        if (PlacementStrategies.Find(topology.Strategy) is null)
            yield return "Sync:Topology:Strategy takes one of "
                + $"{string.Join(", ", PlacementStrategies.All.Select(s => s.Name))}; not '{topology.Strategy}'.";
        if (options.Nodes.Count is 0 or > NodesMax)
            yield return $"Sync:Nodes takes every node of the topology, 1 to {NodesMax}; has {options.Nodes.Count}.";
        foreach (var fault in options.Nodes.SelectMany((node, i) => Faults(node, $"Sync:Nodes:{i}")))
            yield return fault;
        foreach (var twice in options.Nodes.GroupBy(n => $"{n.Region}-{n.Zone}").Where(g => g.Count() > 1))
            yield return $"Sync:Nodes takes each REGION-ZONE once; {twice.Key} is there {twice.Count()} times.";
    }

    private static IEnumerable<string> Faults(NodeOptions node, string key)
    {
        if (!Region().IsMatch(node.Region))
            yield return $"{key}:Region takes 2 to 31 of a-z, 0-9 and '-', a letter first, e.g. eu-west.";
        if (!Zone().IsMatch(node.Zone))
            yield return $"{key}:Zone takes 1 to 31 of a-z, 0-9 and '-', e.g. a.";
        if (node.Weight is < 1 or > WeightMax)
            yield return $"{key}:Weight takes 1 to {WeightMax}.";
        if (!Uri.TryCreate(node.Url, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttps
            || url.PathAndQuery != "/" || url.UserInfo.Length > 0 || url.Fragment.Length > 0)
            yield return $"{key}:Url takes an https URL of a host and a port alone.";
    }

    [GeneratedRegex(@"^[a-z][a-z0-9-]{1,30}\z")]
    private static partial Regex Region();

    [GeneratedRegex(@"^[a-z0-9-]{1,31}\z")]
    private static partial Regex Zone();
}
