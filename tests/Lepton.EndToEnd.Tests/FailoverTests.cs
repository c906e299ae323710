using System.Diagnostics;
using System.Text.Json;

namespace Lepton.EndToEnd.Tests;

/// <summary>
/// R6, R5 and R1: nodes of ap-southeast are killed one after the other. Service goes on in the zone, then in other
/// regions where the class allows, and is refused where it does not; and the dashboard holds the trace across regions.
/// </summary>
[Collection(PlatformCollection.Name)]
public sealed class FailoverTests(Platform platform) : IAsyncLifetime
{
    private const string Region = "ap-southeast";

    private static readonly TimeSpan patience = TimeSpan.FromSeconds(15);

    // Two nodes load and try their models at once, on a machine that runs the whole platform.
    private static readonly TimeSpan startPatience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task NodesKilledOneByOne_ServiceMovesWithinTheAllowedSet()
    {
        await KillAsync($"inference-{Region}-b");
        await UntilAsync(async () => !(await ServingAsync()).Contains($"inference-{Region}-b"));
        JsonElement neighbour = (await InferAsync("apac-personal")).Require().Json();
        Assert.Equal($"inference-{Region}-a", neighbour.GetProperty("node").GetString());

        await KillAsync($"inference-{Region}-a");
        await UntilAsync(async () => (await ServingAsync()).Count == 0);
        CliResult refused = (await InferAsync("apac-personal")).Require(1);
        JsonElement error = refused.Json().GetProperty("error");
        Assert.Equal("UNAVAILABLE", error.GetProperty("code").GetString());
        Assert.Equal("NO_NODE_AVAILABLE", error.GetProperty("reason").GetString());
        Assert.True(error.GetProperty("retry_after_ms").GetDouble() > 0);

        JsonElement abroad = (await InferAsync("public")).Require().Json();
        Assert.Contains(abroad.GetProperty("region").GetString(), new[] { "us-east", "eu-west" });
        await ShowsBothPartsAsync(abroad);
        await ShowsTraceAsync(abroad);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    /// <summary>The other tests find the platform whole, whatever their order.</summary>
    public async Task DisposeAsync()
    {
        using ResourceService resources = new(platform);
        foreach (string node in new[] { $"inference-{Region}-a", $"inference-{Region}-b" })
        {
            if (!(await ServingAsync()).Contains(node))
                await resources.StartAsync(node);
        }

        await UntilAsync(async () => (await ServingAsync()).Count == 2, startPatience);
    }

    /// <summary>Both routers decided, and either's part is told.</summary>
    private async Task ShowsBothPartsAsync(JsonElement abroad)
    {
        string id = abroad.GetProperty("decision_id").GetString()!;
        JsonElement decision = (await platform.AskAsync("explain", id, "--from", Region, "--json")).Require().Json();
        Assert.Equal(abroad.GetProperty("region").GetString(),
            decision.GetProperty("attempts").EnumerateArray().Last().GetProperty("region").GetString());
        JsonElement remote = decision.GetProperty("remote_decision");
        Assert.Equal(abroad.GetProperty("region").GetString(), remote.GetProperty("region").GetString());
        Assert.Equal(Region, remote.GetProperty("origin_region").GetString());
        Assert.Equal(abroad.GetProperty("node").GetString(), remote.GetProperty("served_by").GetString());
    }

    /// <summary>One trace holds the gateway's, the other region's router's and the node's spans.</summary>
    private async Task ShowsTraceAsync(JsonElement abroad)
    {
        string region = abroad.GetProperty("region").GetString()!;
        Telemetry telemetry = new(platform);
        await UntilAsync(async () => (await telemetry.TracesAsync()).Any(services =>
            services.Any(s => IsRouterOf(Region, s)) && services.Any(s => IsRouterOf(region, s))
            && services.Contains(abroad.GetProperty("node").GetString()!)));
    }

    // Clients take turns at a region's two routers, and so do routers at another region's.
    private static bool IsRouterOf(string region, string resource) =>
        resource == $"routing-{region}" || resource == $"routing-{region}-b";

    private Task<CliResult> InferAsync(string dataClass) => platform.AskAsync(
        "infer", "language", "Where is the parcel?", "--from", Region, "--data-class", dataClass, "--json");

    private async Task<IReadOnlyList<string>> ServingAsync()
    {
        JsonElement nodes = (await platform.AskAsync("nodes", "--from", Region, "--json")).Require().Json();
        return [.. nodes.EnumerateArray()
            .Where(n => n.GetProperty("state").GetString() == "serving")
            .Select(n => n.GetProperty("node").GetString()!)];
    }

    private async Task KillAsync(string node)
    {
        JsonElement status = (await platform.RunAsync("status", "--json")).Json();
        int pid = status.GetProperty("resources").EnumerateArray()
            .Single(r => r.GetProperty("name").GetString() == node).GetProperty("pid").GetInt32();
        using Process process = Process.GetProcessById(pid);
        process.Kill(); // SIGKILL: nothing says goodbye
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, TimeSpan? longer = null)
    {
        TimeSpan limit = longer ?? patience;
        Stopwatch watch = Stopwatch.StartNew();
        while (!await condition())
            Assert.True(watch.Elapsed < limit, $"not so after {limit.TotalSeconds:0} s");
    }
}
