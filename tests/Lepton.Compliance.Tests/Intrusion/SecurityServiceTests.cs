using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Compliance.Client.Intrusion;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using Wire = Lepton.Platform.V1;

namespace Lepton.Compliance.Tests.Intrusion;

/// <summary>Alerts over real connections (C6): the stream, where it resumes, pages, and who sees what.</summary>
public sealed class SecurityServiceTests : IAsyncLifetime
{
    private readonly SecurityHost _host = new();
    private readonly CancellationTokenSource _deadline = new();
    private GrpcChannel? _channel;

    private Wire.SecurityService.SecurityServiceClient Client => new(_channel!);

    public async Task InitializeAsync()
    {
        await _host.InitializeAsync();
        _channel = _host.Channel("ops");
        _deadline.CancelAfter(TimeSpan.FromSeconds(30));
    }

    public async Task DisposeAsync()
    {
        _channel?.Dispose();
        _deadline.Dispose();
        await _host.DisposeAsync();
    }

    private async Task<Wire.WatchAlertsResponse> NextAsync(AsyncServerStreamingCall<Wire.WatchAlertsResponse> call)
    {
        Assert.True(await call.ResponseStream.MoveNext(_deadline.Token));
        return call.ResponseStream.Current;
    }

    private AsyncServerStreamingCall<Wire.WatchAlertsResponse> Watch(string logId = "", ulong after = 0) =>
        Client.WatchAlerts(new() { LogId = logId, AfterSequence = after }, cancellationToken: _deadline.Token);

    [Fact]
    public async Task WatchAlerts_Broken_ResumesWhereItWas()
    {
        Wire.WatchAlertsResponse first;
        using (AsyncServerStreamingCall<Wire.WatchAlertsResponse> call = Watch())
        {
            Wire.WatchAlertsResponse position = await NextAsync(call);
            Assert.Equal((0ul, false), (position.Sequence, position.Gap));
            Assert.Null(position.Alert);
            _host.Probe("own/one");
            first = await NextAsync(call);
            Assert.Equal((position.LogId, 1ul, "own/one"), (first.LogId, first.Sequence, first.Alert.Principal));
        }
        _host.Probe("own/two");
        _host.Probe("own/three");

        using AsyncServerStreamingCall<Wire.WatchAlertsResponse> again = Watch(first.LogId, first.Sequence);
        Assert.Equal("own/two", (await FirstAlertAsync(again)).Alert.Principal);
        Wire.WatchAlertsResponse last = await NextAsync(again);
        Assert.Equal((3ul, "own/three", false), (last.Sequence, last.Alert.Principal, last.Gap));

        using AsyncServerStreamingCall<Wire.WatchAlertsResponse> otherLog = Watch("of-another-start", 2);
        Assert.Equal("own/one", (await NextAsync(otherLog)).Alert.Principal);
    }

    private async Task<Wire.WatchAlertsResponse> FirstAlertAsync(
        AsyncServerStreamingCall<Wire.WatchAlertsResponse> call)
    {
        Wire.WatchAlertsResponse got = await NextAsync(call);
        return got.Alert is null ? await NextAsync(call) : got; // a position comes first when nothing was there yet
    }

    [Fact]
    public async Task WatchAlerts_Alert_HasItsTrailAndTheLogHasNoAddress()
    {
        using AsyncServerStreamingCall<Wire.WatchAlertsResponse> call = Watch();
        _host.Probe("own/one");
        Wire.SecurityAlert alert = (await FirstAlertAsync(call)).Alert;

        Assert.Equal(("privilege-probing", Wire.AlertSeverity.High, "own/one", "own/one", "demo", "eu-west", 6L),
            (alert.Rule, alert.Severity, alert.Subject, alert.Principal, alert.Tenant, alert.Region, alert.Count));
        Assert.Equal("6 or more permissions denied in 00:05:00", alert.Detail);
        Wire.SecurityEvent e = Assert.Single(alert.Events);
        Assert.Equal(("198.51.100.77", "jti-1", "p5", Wire.SecurityEventKind.AuthorisationDenied),
            (e.Address, e.TokenId, e.Permission, e.Kind));
        PrincipalLocks locks = _host.Services.GetRequiredService<PrincipalLocks>();
        Assert.True(locks.IsLocked("own/one", out DateTimeOffset until));
        Assert.Equal(until, alert.LockedUntilTime.ToDateTimeOffset());
        using (AsyncServerStreamingCall<Wire.WatchAlertsResponse> next = Watch(alert.Id.Split('-')[0], 1))
        {
            _host.Probe("own/two"); // whose alert comes after the first one's log lines
            await FirstAlertAsync(next);
        }
        string[] lines;
        lock (_host.Log)
            lines = [.. _host.Log.Where(l => l.Contains("own/one", StringComparison.Ordinal))];
        Assert.Contains(lines, l => l.StartsWith("Security alert privilege-probing (High): principal 'own/one'",
            StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("Principal 'own/one' is locked until", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, l => l.Contains("198.51", StringComparison.Ordinal)
            || l.Contains("jti-1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ListAlerts_Pages_NewestFirstAndFiltered()
    {
        for (int i = 1; i <= 5; i++)
            _host.Probe($"own/p{i}");
        using (AsyncServerStreamingCall<Wire.WatchAlertsResponse> call = Watch())
            while ((await NextAsync(call)).Sequence < 5)
            {
            }

        Wire.ListAlertsResponse one = await Client.ListAlertsAsync(new() { PageSize = 3 });
        Wire.ListAlertsResponse two =
            await Client.ListAlertsAsync(new() { PageSize = 3, PageToken = one.NextPageToken });

        Assert.Equal(["own/p5", "own/p4", "own/p3"], one.Alerts.Select(a => a.Principal));
        Assert.Equal(["own/p2", "own/p1"], two.Alerts.Select(a => a.Principal));
        Assert.Equal("", two.NextPageToken);
        Assert.Equal("own/p2", Assert.Single((await Client.ListAlertsAsync(new() { Principal = "own/p2" })).Alerts)
            .Principal);
        Assert.Empty((await Client.ListAlertsAsync(new() { Rule = "spraying" })).Alerts);
    }

    [Fact]
    public async Task Calls_WrongFields_AreNamed()
    {
        async Task Refused(string field, Func<Task> call)
        {
            RpcException e = await Assert.ThrowsAsync<RpcException>(call);
            Assert.Equal((StatusCode.InvalidArgument, "FIELD_INVALID"), (e.StatusCode, RpcErrors.ReasonOf(e)));
            Assert.StartsWith($"{field}: takes ", e.Status.Detail, StringComparison.Ordinal);
        }

        string log = _host.Services.GetRequiredService<AlertLog>().Id;
        await Refused("page_size", async () => await Client.ListAlertsAsync(new() { PageSize = 1_001 }));
        await Refused("page_token", async () => await Client.ListAlertsAsync(new() { PageToken = "x-1" }));
        await Refused("page_token", async () => await Client.ListAlertsAsync(new() { PageToken = $"{log}-x" }));
        await Refused("after_sequence", async () => await NextAsync(Watch(log, 1)));
    }

    [Fact]
    public async Task Calls_Tenant_SeesOnlyItsOwn()
    {
        _host.Probe("own/theirs", "bank");
        _host.Probe("own/mine", "demo");
        using GrpcChannel channel = _host.Channel("demo");
        Wire.SecurityService.SecurityServiceClient tenant = new(channel);

        using AsyncServerStreamingCall<Wire.WatchAlertsResponse> call = tenant.WatchAlerts(new());
        Assert.Equal("own/mine", (await FirstAlertAsync(call)).Alert.Principal);
        Assert.Equal("own/mine", Assert.Single((await tenant.ListAlertsAsync(new())).Alerts).Principal);
    }

    [Fact]
    public async Task Calls_WhoMayNot_AreRefused()
    {
        using GrpcChannel channel = _host.Channel("plain");
        Wire.SecurityService.SecurityServiceClient plain = new(channel);

        RpcException listed = await Assert.ThrowsAsync<RpcException>(async () => await plain.ListAlertsAsync(new()));
        using AsyncServerStreamingCall<Wire.WatchAlertsResponse> call = plain.WatchAlerts(new());
        RpcException watched = await Assert.ThrowsAsync<RpcException>(() => NextAsync(call));

        Assert.Equal("CALLER_NOT_ALLOWED", RpcErrors.ReasonOf(listed));
        Assert.Equal("CALLER_NOT_ALLOWED", RpcErrors.ReasonOf(watched));
    }

    [Fact]
    public async Task WatchAlerts_TooMany_AreRefusedUntilOneEnds()
    {
        List<AsyncServerStreamingCall<Wire.WatchAlertsResponse>> calls = [Watch(), Watch(), Watch()];
        foreach (AsyncServerStreamingCall<Wire.WatchAlertsResponse> call in calls)
            await NextAsync(call);

        RpcException e = await Assert.ThrowsAsync<RpcException>(() => NextAsync(Watch()));
        Assert.Equal((StatusCode.ResourceExhausted, "TOO_MANY_STREAMS"), (e.StatusCode, RpcErrors.ReasonOf(e)));

        calls[0].Dispose();
        while (true) // the server hears of the end a moment later
        {
            using AsyncServerStreamingCall<Wire.WatchAlertsResponse> next = Watch();
            try
            {
                await NextAsync(next);
                break;
            }
            catch (RpcException full) when (full.StatusCode == StatusCode.ResourceExhausted)
            {
                await Task.Yield();
            }
        }
        calls.ForEach(c => c.Dispose());
    }

    [Fact]
    public async Task WatchAlerts_ProcessStops_SaysSo()
    {
        using AsyncServerStreamingCall<Wire.WatchAlertsResponse> call = Watch();
        await NextAsync(call);
        Task stop = _host.StopAsync();

        RpcException e = await Assert.ThrowsAsync<RpcException>(() => NextAsync(call));

        Assert.Equal((StatusCode.Unavailable, "STOPPING"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        await stop.WaitAsync(_deadline.Token);
    }
}
