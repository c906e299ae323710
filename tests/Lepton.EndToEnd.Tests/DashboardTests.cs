using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Aspire.DashboardService.Proto.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.EndToEnd.Tests.Browsing;
using OpenInference;
using Xunit.Sdk;

namespace Lepton.EndToEnd.Tests;

/// <summary>
/// P2: what a person sees and does in the dashboard, in a real browser: every resource, a node's log, a trace over two
/// regions, and the buttons that stop and start a node.
/// </summary>
[Collection(PlatformCollection.Name)]
public sealed class DashboardTests(Platform platform, Chromium browser) : IClassFixture<Chromium>
{
    // A node loads and tries its models, on a machine that runs the whole platform and a browser.
    private static readonly TimeSpan startPatience = TimeSpan.FromSeconds(60);

    [ChromiumFact]
    public Task Resources_OfTheModel_AreAllShownInTheirState() => LoggedInAsync(async page =>
    {
        using ResourceService service = new(platform);
        string[] wanted = [.. (await service.ListAsync())
            .Select(r => $"{r.DisplayName}: {StateShown(r.State)}").Order(StringComparer.Ordinal)];
        Assert.True(wanted.Length > Platform.Regions.Length, "the app host knows no resources");
        string[] seen = [];
        await Page.UntilAsync(async () =>
        {
            seen = [.. Strings(await page.ValueAsync($"{Rows}.map(r => {Name("r")} + ': ' + {State("r")})"))
                .Order(StringComparer.Ordinal)];
            return seen.SequenceEqual(wanted);
        }, () => $"{string.Join(", ", wanted.Except(seen))}, and not {string.Join(", ", seen.Except(wanted))}");
    });

    [ChromiumFact]
    public Task ConsoleLogs_OfANode_AreThatNodesOwn() => LoggedInAsync(async page =>
    {
        using ResourceService service = new(platform);
        IReadOnlyList<Resource> resources = await service.ListAsync();
        string[] nodes = ["inference-eu-west-a", "inference-us-east-b"];
        int[] ports = [.. nodes.Select(node => new Uri(
            resources.Single(r => r.DisplayName == node).Urls.First(u => !u.IsInternal).FullUrl).Port)];
        for (int i = 0; i < nodes.Length; i++)
        {
            await page.GoAsync(platform.DashboardUrl);
            await page.PressAsync(Button(nodes[i], "Console logs"), $"the button Console logs of {nodes[i]}");
            // What only this process can have said. The view follows the end; its first line is wanted.
            const string log = "document.querySelector('.log-overflow')";
            await page.SeesAsync(
                $"({log}.scrollTop = 0, {log}.innerText.includes('Now listening on: https://127.0.0.1:{ports[i]}'))",
                $"a line of {nodes[i]}'s log");
            Assert.DoesNotContain($"127.0.0.1:{ports[1 - i]}", await page.TextAsync(), StringComparison.Ordinal);
        }
    });

    [ChromiumFact]
    public Task Traces_RequestServedByAnotherRegion_ShowsBothRegions() => LoggedInAsync(async page =>
    {
        (string trace, string node) = await ServedElsewhereAsync("us-east", "eu-west");

        await page.GoAsync($"{platform.DashboardUrl}/traces?filters=trace.traceid:equals:{trace}");
        await page.PressAsync(
            $"[...document.querySelectorAll('.trace-name-container')].find(n => n.innerText.includes('{trace[..7]}'))",
            $"the row of trace {trace}");

        const string resources = "[...document.querySelectorAll('.resource-name')].map(n => n.innerText.trim())";
        await page.SeesAsync($"""
            location.pathname.endsWith('/{trace}')
            && ['routing-us-east', 'routing-eu-west'].every(
                 router => {resources}.some(r => r === router || r === router + '-b'))
            && {resources}.includes('{node}')
            """, $"spans of both regions' routers and of {node} in trace {trace}");
    });

    [ChromiumFact]
    public Task Buttons_StopAndStartANode_DoWhileItsNeighbourServes() => LoggedInAsync(async page =>
    {
        const string node = "inference-us-east-b";
        try
        {
            await page.SeesAsync($"{State(Row(node))} === 'Running'", $"{node} running");
            await page.PressAsync(Button(node, "Stop"), $"the button Stop of {node}");
            await page.SeesAsync($"['Finished', 'Exited'].includes({State(Row(node))})", $"{node} stopped");

            JsonElement answer = (await platform.AskAsync("infer", "language", "Where is the parcel?",
                "--from", "us-east", "--data-class", "us-health", "--json")).Require().Json();
            Assert.Equal("inference-us-east-a", answer.GetProperty("node").GetString());

            await page.PressAsync(Button(node, "Start"), $"the button Start of {node}");
            await page.SeesAsync($"{State(Row(node))} === 'Running'", $"{node} running again", startPatience);
        }
        finally
        {
            using ResourceService service = new(platform);
            if ((await service.ListAsync()).Single(r => r.DisplayName == node).State != "Running")
                await service.StartAsync(node);
            await Page.UntilAsync(() => ServesAsync(node), () => $"{node} serving again", startPatience);
        }
    });

    // Those of the page Resources; the pages of traces have rows of other kinds.
    private const string Rows = "[...document.querySelectorAll('tr[role=row]:has(.resource-name-text)')]";

    private static string Row(string resource) => $"{Rows}.find(r => {Name("r")} === '{resource}')";

    private static string Name(string row) => $"{row}.querySelector('.resource-name-text').innerText.trim()";

    private static string State(string row) => $"{row}.querySelector('.state-column-cell > span').innerText.trim()";

    private static string Button(string resource, string label) =>
        $"{Row(resource)}?.querySelector('fluent-button[aria-label=\"{label}\"]')";

    private static string StateShown(string state) => state == "NotStarted" ? "Not started" : state;

    private static IEnumerable<string> Strings(JsonElement? array) =>
        array is { ValueKind: JsonValueKind.Array } many ? many.EnumerateArray().Select(s => s.GetString()!) : [];

    private async Task LoggedInAsync(Func<Page, Task> story, [CallerMemberName] string name = "")
    {
        await using Page page = await browser.OpenAsync();
        try
        {
            await page.GoAsync(platform.LoginUrl);
            await page.SeesAsync("location.pathname === '/'", "the way in");
            await story(page);
        }
        catch (Exception e)
        {
            throw new XunitException($"{e.Message}\nThe page as it was: {await page.KeepAsync(name)}", e);
        }
    }

    /// <summary>
    /// Sends requests until another region has served one: taking turns is the strategy that knows no distance.
    /// </summary>
    private async Task<(string Trace, string Node)> ServedElsewhereAsync(string from, string to)
    {
        const int triesMax = 50;
        using GrpcChannel channel = platform.Open(from);
        GRPCInferenceService.GRPCInferenceServiceClient client = new(channel);
        for (int i = 0; i < triesMax; i++)
        {
            ActivityTraceId trace = ActivityTraceId.CreateRandom();
            using AsyncUnaryCall<ModelInferResponse> call = client.ModelInferAsync(SteadyLoad.Request(),
                new Metadata
                {
                    { "x-lepton-data-class", "atlantic-finance" }, // these two regions
                    { "x-lepton-strategy", "round-robin" },
                    { "traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01" },
                },
                DateTime.UtcNow.AddSeconds(60));
            await call;
            Metadata trailers = call.GetTrailers();
            if (trailers.GetValue("x-lepton-region") == to)
                return (trace.ToString(), trailers.GetValue("x-lepton-node")!);
        }
        throw new XunitException($"{triesMax} requests taking turns, and {to} served none of them");
    }

    private async Task<bool> ServesAsync(string node)
    {
        JsonElement nodes = (await platform.AskAsync("nodes", "--from", "us-east", "--json")).Require().Json();
        return nodes.EnumerateArray().Any(n => n.GetProperty("node").GetString() == node
            && n.GetProperty("state").GetString() == "serving");
    }
}
