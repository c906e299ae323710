using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Lepton.AspireHosting.Tests;

[Collection(RunningApplicationGroup.Name)]
public sealed class ResourceTests(RunningApplication running) : IDisposable
{
    private readonly CancellationTokenSource limit = new(RunningApplication.Limit);

    private ResourceNotificationService Notifications => running.Application.ResourceNotifications;

    public void Dispose() => limit.Dispose();

    [DcpFact]
    public async Task Replicas_BehindOneProxy_AllServe()
    {
        string address = await running.AddressAsync("server", limit.Token);
        foreach (string id in ResourceInstances.Of(running.Find("server")))
            await Notifications.WaitForResourceAsync(
                "server", e => e.ResourceId == id && e.Snapshot.HealthStatus == HealthStatus.Healthy, limit.Token);

        var pids = new HashSet<string>();
        while (pids.Count < 2)
        {
            // The proxy picks a replica per connection, so each call has its own.
            using var http = new HttpClient();
            pids.Add(await http.GetStringAsync(new Uri(address + "/pid"), limit.Token));
        }

        Assert.Equal(2, pids.Count);
    }

    [DcpFact]
    public async Task References_OfAnotherResource_AreItsAddresses()
    {
        string server = await running.AddressAsync("server", limit.Token);

        Assert.Equal(server, await EnvironmentAsync("services__server__http__0"));
        Assert.Equal(server, await EnvironmentAsync("SERVER_HTTP"));
        string arguments = await running.GetAsync("client", "/arguments", limit.Token);
        Assert.EndsWith($"--address {server}", arguments, StringComparison.Ordinal);
    }

    [DcpFact]
    public async Task Environment_OfEveryKind_ReachesTheProcess()
    {
        int port = new Uri(await running.AddressAsync("server", limit.Token)).Port;

        Assert.Equal("as is", await EnvironmentAsync("LITERAL"));
        Assert.Equal("secret", await EnvironmentAsync("PASSWORD"));
        Assert.Equal($"<{port}|secret>", await EnvironmentAsync("EXPRESSION"));
        Assert.Equal("client", await EnvironmentAsync("CALLED"));
    }

    [DcpFact]
    public async Task Project_Telemetry_IsNamedAfterTheInstance()
    {
        string id = running.InstanceOf("client");

        Assert.Equal("client", await EnvironmentAsync("OTEL_SERVICE_NAME"));
        Assert.Equal(
            $"service.instance.id={id["client-".Length..]}", await EnvironmentAsync("OTEL_RESOURCE_ATTRIBUTES"));
        Assert.Equal(running.Dashboard.OtlpGrpcUrl, await EnvironmentAsync("OTEL_EXPORTER_OTLP_ENDPOINT"));
        Assert.Equal(
            $"x-otlp-api-key={running.Dashboard.OtlpApiKey}", await EnvironmentAsync("OTEL_EXPORTER_OTLP_HEADERS"));
    }

    [DcpFact]
    public async Task AppHostConfiguration_IsNotInherited()
    {
        Assert.Equal("", await EnvironmentAsync("ASPIRE_DASHBOARD_FRONTEND_BROWSERTOKEN"));
        // Set for the process from its own endpoint, not from the app host's.
        Assert.Equal(await running.AddressAsync("client", limit.Token), await EnvironmentAsync("ASPNETCORE_URLS"));
    }

    [DcpFact]
    public async Task WaitFor_UnhealthyDependency_WaitsUntilItIsHealthy()
    {
        await Notifications.WaitForResourceAsync(
            "gate", e => e.Snapshot.HealthReports.Any(r => r.Status == HealthStatus.Unhealthy
                && r.Description!.Contains("503", StringComparison.Ordinal)), limit.Token);
        await Notifications.WaitForResourceAsync("started", KnownResourceStates.Running, limit.Token);
        Assert.Equal(KnownResourceStates.Waiting, StateOf("gated"));

        await File.WriteAllTextAsync(running.GateFile, "", limit.Token);

        await Notifications.WaitForResourceAsync("gated", KnownResourceStates.Running, limit.Token);
    }

    [DcpFact]
    public async Task WaitForCompletion_ExpectedExitCode_Starts()
    {
        await Notifications.WaitForResourceAsync("after-three", KnownResourceStates.Running, limit.Token);

        Assert.True(Notifications.TryGetCurrentState(running.InstanceOf("ender"), out ResourceEvent? end));
        Assert.Equal(3, end.Snapshot.ExitCode);
        Assert.Contains(end.Snapshot.Properties, p => p.Name == "resource.exitCode" && Equals(p.Value, 3));
        Assert.Equal(KnownResourceStates.Finished, end.Snapshot.State?.Text);
    }

    [DcpFact]
    public async Task WaitForCompletion_OtherExitCode_FailsToStart()
        => await Notifications.WaitForResourceAsync("after-zero", KnownResourceStates.FailedToStart, limit.Token);

    [DcpFact]
    public async Task Executable_MissingProgram_FailsToStart()
        => await Notifications.WaitForResourceAsync("missing", KnownResourceStates.FailedToStart, limit.Token);

    [DcpFact]
    public async Task ExplicitStart_ByCommands_StartsStopsAndStartsAgain()
    {
        await running.AddressAsync("client", limit.Token);
        Assert.Equal(KnownResourceStates.NotStarted, StateOf("spare"));

        await CommandAsync(KnownResourceCommands.StartCommand);
        string first = await running.GetAsync("spare", "/pid", limit.Token);
        await CommandAsync(KnownResourceCommands.StopCommand);
        Assert.Equal(KnownResourceStates.Finished, StateOf("spare"));
        Assert.False(IsAlive(first));
        await CommandAsync(KnownResourceCommands.StartCommand);
        string second = await running.GetAsync("spare", "/pid", limit.Token);

        Assert.NotEqual(first, second);
        await CommandAsync(KnownResourceCommands.StopCommand);

        async Task CommandAsync(string command)
        {
            ExecuteCommandResult result = await running.Application.ResourceCommands.ExecuteCommandAsync(
                running.Find("spare"), command, limit.Token);
            Assert.True(result.Success, result.Message);
        }
    }

    private static bool IsAlive(string pid)
        => File.Exists($"/proc/{pid}/stat")
            && !File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);

    private string? StateOf(string resource)
        => Notifications.TryGetCurrentState(running.InstanceOf(resource), out ResourceEvent? state)
            ? state.Snapshot.State?.Text
            : null;

    private Task<string> EnvironmentAsync(string name)
        => running.GetAsync("client", $"/environment/{name}", limit.Token);
}
