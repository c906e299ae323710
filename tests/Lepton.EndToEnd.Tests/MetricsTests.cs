using System.Diagnostics;
using System.Text.RegularExpressions;
using Lepton.Testing;

namespace Lepton.EndToEnd.Tests;

/// <summary>E5: what a running router and a running node expose, read by Prometheus' own checker and by eye.</summary>
[Collection(PlatformCollection.Name)]
public sealed partial class MetricsTests(Platform platform)
{
    private static readonly TimeSpan limit = TimeSpan.FromSeconds(60);

    [PromtoolTheory]
    [InlineData(0, "lepton_routing_request_duration_seconds")]
    [InlineData(1, "lepton_inference_execution_duration_seconds")]
    public async Task Metrics_OfRouterAndNode_PassPromtool(int service, string busy)
    {
        string text = await ScrapeAsync(service, busy);

        ProcessStartInfo start = new(PromtoolTheoryAttribute.Program, ["check", "metrics"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using Process promtool = Process.Start(start)!;
        Task<string> output = promtool.StandardOutput.ReadToEndAsync();
        Task<string> errors = promtool.StandardError.ReadToEndAsync();
        await promtool.StandardInput.WriteAsync(text);
        promtool.StandardInput.Close();
        await promtool.WaitForExitAsync().WaitAsync(limit);
        string said = await output + await errors;
        // 3 is for advice, such as a name's ending; none is due either.
        Assert.True(promtool.ExitCode == 0 && said.Length == 0, $"exit {promtool.ExitCode}\n{said}");
    }

    [Theory]
    [InlineData(0, "Lepton.Routing", "lepton_routing_request_duration_seconds")]
    [InlineData(1, "Lepton.Inference", "lepton_inference_execution_duration_seconds")]
    public async Task Metrics_OfRouterAndNode_AreThoseOfTheReadmes(int service, string project, string busy)
    {
        string text = await ScrapeAsync(service, busy);

        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Dictionary<string, string> types = lines.Where(l => l.StartsWith("# TYPE ", StringComparison.Ordinal))
            .Select(l => l.Split(' ')).ToDictionary(w => w[2], w => w[3]);
        MetricRow[] listed =
        [
            .. MetricList.Listed(MetricList.RepositoryFile($"services/{project}/README.md")),
            .. MetricList.Listed(MetricList.RepositoryFile("services/Lepton.ServiceDefaults/README.md")),
            .. MetricList.Listed(MetricList.RepositoryFile("services/Lepton.Compliance.Client/README.md")),
            .. MetricList.Listed(MetricList.RepositoryFile("services/Lepton.Sync.Client/README.md")),
        ];
        Assert.DoesNotContain(types, t => t.Key != "target_info"
            && !listed.Any(row => row.Prometheus == t.Key && row.Type == t.Value));
        // Nothing without a type, and nothing after another family has begun.
        string family = "";
        foreach (string line in lines)
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
                family = line.Split(' ')[2];
            else if (!line.StartsWith('#'))
                Assert.Matches($"^{family}(_bucket|_sum|_count)?[{{ ]", line);
        }

        Assert.Matches(Target(), text);
    }

    /// <summary>
    /// Of the router or the node that served a request, as a Prometheus of the region scrapes it. The client takes
    /// either of the region's gateways, and a request is counted just after its answer: asked until one shows it.
    /// </summary>
    private async Task<string> ScrapeAsync(int service, string busy)
    {
        string node = (await platform.AskAsync("infer", "language", "Guten Morgen", "--from", "eu-west",
            "--data-class", "eu-personal", "--json")).Require().Json().GetProperty("node").GetString()!;
        using ResourceService resources = new(platform);
        string[] addresses = service == 0 ? platform.Gateways("eu-west") : [(await resources.ListAsync())
            .Single(r => r.DisplayName == node).Urls.First(u => u.FullUrl.StartsWith("https:")).FullUrl];
        using HttpClient http = new(platform.ServiceHandler("eu-west", "routing"));
        using CancellationTokenSource timeout = new(limit);
        for (int i = 0; ; i++)
        {
            Uri address = new(new Uri(addresses[i % addresses.Length]), "/metrics");
            string text = await http.GetStringAsync(address, timeout.Token);
            if (Regex.IsMatch(text, $"^{busy}_count.* [1-9]", RegexOptions.Multiline))
                return text;
            await Task.Delay(200, timeout.Token);
        }
    }

    [GeneratedRegex("^target_info\\{[^\n]*cloud_region=\"eu-west\"[^\n]*\\} 1$", RegexOptions.Multiline)]
    private static partial Regex Target();
}

/// <summary>A test that needs promtool, which ./lepton test takes from Debian: skipped without it, but in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PromtoolTheoryAttribute : TheoryAttribute
{
    public static string Program { get; } = Path.Combine(CliProcess.Home, "tools", "promtool", "promtool");

    public PromtoolTheoryAttribute()
    {
        if (!File.Exists(Program) && Environment.GetEnvironmentVariable("CI") != "true")
            Skip = "promtool is absent; ./lepton test EndToEnd takes it from Debian's package prometheus by apt.";
    }
}
