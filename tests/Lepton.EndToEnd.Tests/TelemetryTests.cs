using System.Diagnostics;

namespace Lepton.EndToEnd.Tests;

/// <summary>P2: the dashboard has every service's logs, traces and metrics.</summary>
[Collection(PlatformCollection.Name)]
public sealed class TelemetryTests(Platform platform)
{
    // The SDK sends metrics once a minute unless it is told otherwise.
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task Dashboard_EveryRouterAndNode_HasLogsTracesAndMetrics()
    {
        string[] services = [.. Platform.Regions.SelectMany(region =>
            (string[])[$"routing-{region}", $"inference-{region}-a", $"inference-{region}-b"])];
        Telemetry telemetry = new(platform);
        Stopwatch watch = Stopwatch.StartNew();
        IEnumerable<string> missing;
        while ((missing = services.Except(await telemetry.FullySeenAsync())).Any())
        {
            Assert.True(watch.Elapsed < patience, $"not all three from {string.Join(", ", missing)}");
            await Task.Delay(TimeSpan.FromMilliseconds(500));
        }
    }
}
