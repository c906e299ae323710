using System.Text.Json.Nodes;
using Lepton.Routing.V1;
using Spectre.Console;

namespace Lepton.Cli.Output;

/// <summary>Nodes as a table and as JSON.</summary>
internal static class NodeView
{
    public static Table Table(IEnumerable<Node> nodes, DateTimeOffset now)
    {
        Table table = Tables.Create("Region", "Node", "Zone", "Tier", "State", "Models", "Provider", ">In flight",
            ">Queued", ">Req/s", ">CPU", ">Memory", ">RTT", ">Service", ">Reported");
        foreach (Node node in nodes)
        {
            NodeReport report = node.Report;
            LoadReport load = report.Load ?? new LoadReport();
            table.Add(
                report.Region,
                report.Node,
                report.Zone,
                Amounts.Words(report.Tier),
                HealthView.State(node, now),
                string.Join(", ", ReadyModels(report)),
                string.Join(", ", Providers(report)),
                load.InFlight.ToString(),
                load.Queued.ToString(),
                Amounts.Number(load.RequestRate),
                Amounts.Percent(load.CpuUtilization),
                Amounts.Bytes(load.MemoryUsedBytes),
                Amounts.Milliseconds(node.RoundTripTime),
                Amounts.Milliseconds(node.ServiceTime),
                node.ReportTime is { } time ? Amounts.Age(now - time.ToDateTimeOffset()) + " ago" : "never");
        }

        return table;
    }

    public static JsonNode Json(Node node)
    {
        NodeReport report = node.Report;
        LoadReport load = report.Load ?? new LoadReport();
        return new JsonObject
        {
            ["node"] = report.Node,
            ["region"] = report.Region,
            ["zone"] = report.Zone,
            ["tier"] = Amounts.Words(report.Tier),
            ["state"] = Amounts.Words(node.State),
            ["health"] = HealthView.Json(node.Health),
            ["url"] = report.Url,
            ["models"] = new JsonArray([.. report.Models.Select(Json)]),
            ["outstanding"] = node.Outstanding,
            ["in_flight"] = load.InFlight,
            ["queued"] = load.Queued,
            ["request_rate"] = Math.Round(load.RequestRate, 3),
            ["cpu_utilization"] = Math.Round(load.CpuUtilization, 4),
            ["memory_used_bytes"] = load.MemoryUsedBytes,
            ["gpus"] = new JsonArray([.. load.Gpus.Select(g => new JsonObject
            {
                ["name"] = g.Name, ["utilization"] = Math.Round(g.Utilization, 4),
                ["memory_used_bytes"] = g.MemoryUsedBytes, ["memory_total_bytes"] = g.MemoryTotalBytes,
            })]),
            ["round_trip_ms"] = Amounts.JsonMilliseconds(node.RoundTripTime),
            ["service_time_ms"] = Amounts.JsonMilliseconds(node.ServiceTime),
            ["completed"] = node.Completed,
            ["failed"] = node.Failed,
            ["report_time"] = node.ReportTime?.ToDateTimeOffset().ToString("O"),
        };
    }

    private static JsonNode Json(ModelReport model) => new JsonObject
    {
        ["name"] = model.Name,
        ["version"] = model.Version,
        ["ready"] = model.Ready,
        ["provider"] = model.Provider,
        ["wanted_provider"] = model.WantedProvider,
        ["slots"] = model.Slots,
        ["in_flight"] = model.InFlight,
        ["queued"] = model.Queued,
    };

    private static IEnumerable<string> ReadyModels(NodeReport report) =>
        report.Models.Where(m => m.Ready).Select(m => m.Name).Distinct().Order(StringComparer.Ordinal);

    /// <summary>A model that asked for CUDA and got the CPU is shown as such, never silently.</summary>
    private static IEnumerable<string> Providers(NodeReport report) => report.Models
        .Where(m => m.Ready && m.Provider.Length > 0)
        .Select(m => m.WantedProvider == "cuda" && m.Provider != "cuda" ? $"{m.Provider} (cuda wanted)" : m.Provider)
        .Distinct()
        .Order(StringComparer.Ordinal);
}
