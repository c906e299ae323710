using System.Globalization;
using System.Net;
using Lepton.Testing;

namespace Lepton.ServiceDefaults.Tests;

/// <summary>
/// E5: metrics in Prometheus' text format. On a server of their own: one that ends takes the meters of the others in
/// its process with it.
/// </summary>
[Collection("server")]
public sealed class MetricsTests(ServerFixture server) : IClassFixture<ServerFixture>
{
    [Theory]
    [InlineData("http.server.request.duration", "s", "histogram", "http_server_request_duration_seconds")]
    [InlineData("lepton.routing.decisions", "{decision}", "counter", "lepton_routing_decisions_total")]
    [InlineData("dotnet.process.memory.working_set", "By", "gauge", "dotnet_process_memory_working_set_bytes")]
    [InlineData("cpu.utilization", "1", "gauge", "cpu_utilization_ratio")]
    [InlineData("9lives", "", "gauge", "_9lives")]
    public void NameOf_Instrument_FollowsTheRules(string name, string unit, string type, string expected) =>
        Assert.Equal(expected, PrometheusText.NameOf(name, unit, type));

    [Fact]
    public async Task Readme_Metrics_AreWhatDotNetGivesEveryService()
    {
        using var client =
            new HttpClient(server.Installation.Handler(server.Installation.Service("eu-west", "prometheus")));
        (await client.GetAsync(server.Address + "/metrics")).EnsureSuccessStatusCode(); // its meters are there now
        var readme = MetricList.RepositoryFile("services/Lepton.ServiceDefaults/README.md");

        string[] own = [TokenMetrics.Name, AccessFile.Meter, TlsMetrics.Name];
        var live = MetricList.Live(n => own.Contains(n) || Telemetry.Meters.Contains(n), PrometheusText.NameOf)
            .Where(row => !Telemetry.Dropped.Contains(row.Name));

        var differences = MetricList.Differences(MetricList.Listed(readme), [.. live]);
        Assert.True(differences.Length == 0, differences);
    }

    [Fact]
    public async Task Scrape_Tenant_Forbidden()
    {
        using var client = new HttpClient(server.Installation.Handler(server.Installation.Tenant("demo")));
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync(server.Address + "/metrics")).StatusCode);
    }

    [Fact]
    public async Task Scrape_AfterRequests_CountsThemInCumulativeBuckets()
    {
        using var client =
            new HttpClient(server.Installation.Handler(server.Installation.Service("eu-west", "prometheus")));
        for (var i = 0; i < 3; i++)
            (await client.GetAsync(server.Address + "/health/live")).EnsureSuccessStatusCode();
        var text = await client.GetStringAsync(server.Address + "/metrics");

        var buckets = text.Split('\n')
            .Where(l => l.StartsWith("http_server_request_duration_seconds_bucket{", StringComparison.Ordinal)
                && l.Contains("http_route=\"/health/live\"", StringComparison.Ordinal))
            .Select(l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture)).ToArray();
        Assert.True(buckets.Length > 5, text);
        Assert.Equal(buckets.Order(), buckets);
        Assert.True(buckets[^1] >= 3);
        Assert.Contains("le=\"+Inf\"", text, StringComparison.Ordinal);
        Assert.Contains("cloud_region=\"eu-west\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scrape_EveryLine_FollowsTheGrammar()
    {
        using var client =
            new HttpClient(server.Installation.Handler(server.Installation.Service("eu-west", "prometheus")));
        var text = await client.GetStringAsync(server.Address + "/metrics");
        var sample = new System.Text.RegularExpressions.Regex(
            "^[a-zA-Z_:][a-zA-Z0-9_:]*"
            + "(\\{[a-zA-Z_][a-zA-Z0-9_]*=\"([^\"\\\\]|\\\\.)*\"(,[a-zA-Z_][a-zA-Z0-9_]*=\"([^\"\\\\]|\\\\.)*\")*\\})?"
            + " (NaN|[+-]Inf|-?[0-9.eE+-]+)$");
        var seen = new HashSet<string>();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
                Assert.True(seen.Add(line), $"twice: {line}");
            else if (!line.StartsWith('#'))
                Assert.Matches(sample, line);
        }
        Assert.True(seen.Count > 10);
    }
}
