using Lepton.Cli.Platform;

namespace Lepton.Cli.Tests;

internal static class TestPlatform
{
    public static PlatformFile Create(
        ProcessId appHost, string authorityFile, params (string Region, string Url)[] gateways) => new()
    {
        Instance = "default",
        State = PlatformState.Running,
        AppHost = appHost,
        StartTime = DateTimeOffset.UnixEpoch,
        Profile = "main",
        Zones = 2,
        Wan = true,
        Postgres = "embedded",
        BasePort = 7400,
        Regions = [.. gateways.GroupBy(g => g.Region).Select(g => new PlatformRegion
        {
            Name = g.Key,
            GatewayUrl = g.First().Url,
            GatewayUrls = [.. g.Select(x => x.Url)],
            Nodes = [$"inference-{g.Key}-a"],
        })],
        Dashboard = new DashboardAccess
        {
            // Nobody listens on port 1 of loopback: spans are dropped, which must not disturb an answer.
            Url = "http://127.0.0.1:1",
            LoginToken = "login",
            OtlpUrl = "http://127.0.0.1:1",
            OtlpApiKey = "otlp",
            TelemetryApiKey = "telemetry",
            ResourceServiceUrl = "http://127.0.0.1:1",
            ResourceServiceApiKey = "resources",
        },
        AuthorityFile = authorityFile,
    };
}
