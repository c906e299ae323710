using System.Net;
using System.Text.Json;
using Aspire.DashboardService.Proto.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.DependencyInjection;
using Resource = Aspire.DashboardService.Proto.V1.Resource;
using Client = Aspire.DashboardService.Proto.V1.DashboardService.DashboardServiceClient;

namespace Lepton.AspireHosting.Tests;

/// <summary>The resource service as the dashboard calls it, and the dashboard itself.</summary>
[Collection(RunningApplicationGroup.Name)]
public sealed class DashboardTests : IDisposable
{
    private readonly CancellationTokenSource limit = new(RunningApplication.Limit);
    private readonly RunningApplication running;
    private readonly Lazy<GrpcChannel> channel;

    public DashboardTests(RunningApplication running)
    {
        this.running = running;
        channel = new Lazy<GrpcChannel>(() => GrpcChannel.ForAddress(
            running.Application.Services.GetRequiredService<Aspire.Hosting.Dashboard.ResourceServiceHost>().Url));
    }

    private Metadata Key => new() { { "x-resource-service-api-key", running.Dashboard.ResourceServiceApiKey } };

    public void Dispose()
    {
        if (channel.IsValueCreated)
            channel.Value.Dispose();
        limit.Dispose();
    }

    [DcpFact]
    public async Task ResourceService_WithoutKey_Refuses()
    {
        using AsyncServerStreamingCall<WatchResourcesUpdate> call = new Client(channel.Value)
            .WatchResources(new WatchResourcesRequest(), cancellationToken: limit.Token);

        RpcException refusal = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(limit.Token));

        Assert.Equal(StatusCode.Unauthenticated, refusal.StatusCode);
    }

    [DcpFact]
    public async Task WatchResources_HealthyProject_ShowsWhatTheDashboardNeeds()
    {
        string server = await running.AddressAsync("server", limit.Token);
        await running.AddressAsync("client", limit.Token);

        Dictionary<string, Resource> resources = await InitialAsync();

        Resource found = resources[running.InstanceOf("client")];
        Assert.Equal("client", found.DisplayName);
        Assert.Equal("Project", found.ResourceType);
        Assert.Equal("Running", found.State);
        Assert.Contains(found.HealthReports, r => r.Status == HealthStatus.Healthy);
        Assert.Contains(found.Properties, p => p.Name == "executable.pid");
        Assert.Contains(found.Properties, p => p.Name == "project.path");
        Assert.Contains(found.Environment, v => v.Name == "SERVER_HTTP" && v.Value == server);
        Assert.Contains(found.Relationships, r => r is { Type: "Parent", ResourceName: "server" });
        Assert.Contains(found.Commands, c => c is { Name: "stop", State: ResourceCommandState.Enabled });
        Assert.Contains(found.Commands, c => c is { Name: "start", State: ResourceCommandState.Hidden });
        Assert.Contains(resources.Values, r => r.DisplayName == "aspire-dashboard" && r.IsHidden);
        // One without it, hidden or not, and the dashboard shows nothing at all, for ever, and logs nothing.
        Assert.All(resources.Values, r => Assert.NotNull(r.CreatedAt));
        Assert.Equal(2, resources.Values.Count(r => r.DisplayName == "server" && r.Urls.Any(u => u.FullUrl == server)));
        Assert.True(resources["pass-word"].Properties.Single(p => p.Name == "Value").IsSensitive);
    }

    [DcpFact]
    public async Task ConsoleLogs_FollowedOverARestart_ArriveInOrder()
    {
        string id = running.InstanceOf("talker");
        await running.GetAsync("talker", "/say/one", limit.Token);
        using AsyncServerStreamingCall<WatchResourceConsoleLogsUpdate> call = new Client(channel.Value)
            .WatchResourceConsoleLogs(
                new WatchResourceConsoleLogsRequest { ResourceName = id }, Key, cancellationToken: limit.Token);
        var lines = new List<ConsoleLogLine>();
        await ReadUntilAsync("complained one");
        await ReadUntilAsync("said one");

        ResourceCommandResponse restarted = await new Client(channel.Value).ExecuteResourceCommandAsync(
            new ResourceCommandRequest { ResourceName = id, ResourceType = "Project", CommandName = "restart" },
            Key, cancellationToken: limit.Token);
        Assert.Equal(ResourceCommandResponseKind.Succeeded, restarted.Kind);
        await SayAgainAsync();
        await ReadUntilAsync("said two");

        Assert.True(lines.Single(l => l.Text.EndsWith("complained one", StringComparison.Ordinal)).IsStdErr);
        Assert.Equal(Enumerable.Range(1, lines.Count), lines.Select(l => l.LineNumber));
        // The dashboard sorts and shows by the time that each line begins with.
        Assert.All(lines, l => Assert.Matches(@"^\d{4}-\d\d-\d\dT[\d:.]+Z ", l.Text));

        async Task ReadUntilAsync(string text)
        {
            while (!lines.Any(l => l.Text.EndsWith(text, StringComparison.Ordinal)))
            {
                Assert.True(await call.ResponseStream.MoveNext(limit.Token), $"the log ended before '{text}'");
                lines.AddRange(call.ResponseStream.Current.LogLines);
            }
        }

        // The proxy may still know the old process for a moment.
        async Task SayAgainAsync()
        {
            while (true)
            {
                try
                {
                    await running.GetAsync("talker", "/say/two", limit.Token);
                    return;
                }
                catch (HttpRequestException)
                {
                    await Task.Delay(50, limit.Token);
                }
            }
        }
    }

    [DcpFact]
    public async Task ExecuteCommand_Unknown_SaysWhy()
    {
        ResourceCommandResponse response = await new Client(channel.Value).ExecuteResourceCommandAsync(
            new ResourceCommandRequest { ResourceName = running.InstanceOf("client"), CommandName = "explode" },
            Key, cancellationToken: limit.Token);

        Assert.Equal(ResourceCommandResponseKind.Failed, response.Kind);
        Assert.Contains("explode", response.Message, StringComparison.Ordinal);
    }

    [DcpFact]
    public async Task Dashboard_Login_TakesItsTokenOnly()
    {
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        using var http = new HttpClient(handler) { BaseAddress = new Uri(running.Dashboard.FrontendUrl) };
        await UntilAnsweringAsync(http);

        using HttpResponseMessage right = await http.GetAsync(
            new Uri($"/login?t={running.Dashboard.BrowserToken}", UriKind.Relative), limit.Token);
        using HttpResponseMessage wrong = await http.GetAsync(new Uri("/login?t=wrong", UriKind.Relative), limit.Token);

        Assert.Equal(HttpStatusCode.Redirect, right.StatusCode);
        Assert.Contains(right.Headers, h => h.Key == "Set-Cookie");
        Assert.DoesNotContain(wrong.Headers, h => h.Key == "Set-Cookie");
    }

    [DcpFact]
    public async Task TelemetryApi_WithItsKey_Answers()
    {
        using var http = new HttpClient { BaseAddress = new Uri(running.Dashboard.FrontendUrl) };
        await UntilAnsweringAsync(http);
        var path = new Uri("/api/telemetry/resources", UriKind.Relative);
        using HttpResponseMessage refused = await http.GetAsync(path, limit.Token);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);

        http.DefaultRequestHeaders.Add("x-api-key", running.Dashboard.TelemetryApiKey);
        string answer = await http.GetStringAsync(path, limit.Token);

        using JsonDocument json = JsonDocument.Parse(answer);
        Assert.True(json.RootElement.ValueKind is JsonValueKind.Array or JsonValueKind.Object);
    }

    private async Task<Dictionary<string, Resource>> InitialAsync()
    {
        using AsyncServerStreamingCall<WatchResourcesUpdate> call = new Client(channel.Value)
            .WatchResources(new WatchResourcesRequest(), Key, cancellationToken: limit.Token);
        Assert.True(await call.ResponseStream.MoveNext(limit.Token));
        WatchResourcesUpdate first = call.ResponseStream.Current;
        Assert.Equal(WatchResourcesUpdate.KindOneofCase.InitialData, first.KindCase);
        return first.InitialData.Resources.ToDictionary(r => r.Name);
    }

    private async Task UntilAnsweringAsync(HttpClient http)
    {
        while (true)
        {
            try
            {
                using HttpResponseMessage answer = await http.GetAsync(
                    new Uri("/login", UriKind.Relative), limit.Token);
                return;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(100, limit.Token);
            }
        }
    }
}
