using System.Globalization;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Lepton.Compliance.Tests.Audit;

/// <summary>C4: whatever happens to the log or the connection, each event gets there, and is there once.</summary>
public sealed class SenderTests : IDisposable
{
    private readonly TestInstallation _installation = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("lepton-spool-").FullName;

    public void Dispose()
    {
        _installation.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Send_LogAnswers_EventsLeaveTheSpool()
    {
        await using FakeLog log = await FakeLog.StartAsync(_installation);
        await using WebApplication service = await StartAsync([log.Address]);
        await WriteAsync(service, 1_200);
        await UntilAsync(() => log.Calls.Events.Count == 1_200 && Waiting(service) == 0);
        Assert.InRange(log.Calls.Batches, 3, 1_200);
        Assert.Equal(0, log.Calls.Repeated);
        AuditEvent one = log.Calls.Events.First();
        Assert.Equal(("eu-west", "routing"), (one.Region, one.Service));
        await WriteAsync(service, 1); // begins a new file; the old ones are gone
        await UntilAsync(() => log.Calls.Events.Count == 1_201);
        Assert.InRange(Directory.GetFiles(_directory, "*.audit").Sum(f => new FileInfo(f).Length), 0, 40 << 10);
    }

    [Fact]
    public async Task Send_AnswerLost_IsSentAgainAndThereOnce()
    {
        await using FakeLog log = await FakeLog.StartAsync(_installation);
        log.Calls.AnswersToLose = 2;
        await using WebApplication service = await StartAsync([log.Address]);
        await WriteAsync(service, 20);
        await UntilAsync(() => Waiting(service) == 0);
        Assert.Equal(20, log.Calls.Events.Count);
        Assert.InRange(log.Calls.Repeated, 1, int.MaxValue);
    }

    [Fact]
    public async Task Send_FirstNodeDown_GoesToTheSecondAndBackLater()
    {
        await using FakeLog first = await FakeLog.StartAsync(_installation);
        await using FakeLog second = await FakeLog.StartAsync(_installation);
        first.Calls.Down = true;
        await using WebApplication service = await StartAsync([first.Address, second.Address]);
        await WriteAsync(service, 10);
        await UntilAsync(() => second.Calls.Events.Count == 10 && Waiting(service) == 0);
        Assert.Empty(first.Calls.Events);
        first.Calls.Down = false;
        await UntilAsync(async () =>
        {
            await WriteAsync(service, 1);
            return first.Calls.Events.Count > 0;
        });
    }

    [Fact]
    public async Task Send_NodeSilent_IsGivenUpAtTheDeadline()
    {
        await using FakeLog first = await FakeLog.StartAsync(_installation);
        await using FakeLog second = await FakeLog.StartAsync(_installation);
        first.Calls.Silent = true;
        await using WebApplication service = await StartAsync([first.Address, second.Address]);
        await WriteAsync(service, 5);
        await UntilAsync(() => second.Calls.Events.Count == 5);
    }

    [Fact]
    public async Task Send_LogDownAtFirst_ComesAfterARestartOfBoth()
    {
        string address = "https://127.0.0.1:1"; // nobody there
        await using (WebApplication service = await StartAsync([address], ("Audit:SilenceWarning", "00:00:01")))
        {
            await WriteAsync(service, 30);
            HealthCheckService health = service.Services.GetRequiredService<HealthCheckService>();
            await UntilAsync(async () => (await health.CheckHealthAsync(r => r.Name == "audit")).Status
                == HealthStatus.Degraded);
        }
        await using FakeLog log = await FakeLog.StartAsync(_installation);
        await using WebApplication next = await StartAsync([log.Address]);
        await UntilAsync(() => log.Calls.Events.Count == 30 && Waiting(next) == 0);
    }

    [Fact]
    public async Task Send_OneEventRefusedForGood_TheOthersGetThere()
    {
        await using FakeLog log = await FakeLog.StartAsync(_installation);
        log.Calls.Refused = "bad";
        await using WebApplication service = await StartAsync([log.Address]);
        IAuditLog audit = service.Services.GetRequiredService<IAuditLog>();
        for (int i = 0; i < 20; i++)
            await audit.WriteAsync(new AuditEvent { Action = i == 7 ? "bad" : "good" }, CancellationToken.None);
        await UntilAsync(() => log.Calls.Events.Count == 19 && Waiting(service) == 0);
    }

    [Fact]
    public async Task Send_NodeOfAnotherRegion_IsNotTrusted()
    {
        await using FakeLog log = await FakeLog.StartAsync(_installation);
        await using WebApplication service = await StartAsync(
            [log.Address], ("Audit:Nodes:0:Region", "us-east"));
        await WriteAsync(service, 3);
        AuditSender sender = service.Services.GetRequiredService<AuditSender>();
        await UntilAsync(() => sender.Silence > TimeSpan.FromMilliseconds(200));
        Assert.Empty(log.Calls.Events);
        Assert.Equal(3, Waiting(service));
    }

    [Fact]
    public async Task Start_WithoutFolder_SaysWhatIsTaken()
    {
        InvalidOperationException? seen = null;
        try
        {
            await using WebApplication service = await StartAsync([], ("Audit:SpoolDirectory", ""));
        }
        catch (Exception e)
        {
            seen = new InvalidOperationException(e.Message);
        }
        Assert.Contains("Audit:SpoolDirectory takes the path of a folder", seen?.Message, StringComparison.Ordinal);
    }

    private static long Waiting(WebApplication service) =>
        service.Services.GetRequiredService<SpoolFiles>().Events;

    private static async Task WriteAsync(WebApplication service, int count)
    {
        IAuditLog audit = service.Services.GetRequiredService<IAuditLog>();
        await Task.WhenAll(Enumerable.Range(0, count).Select(i => audit.WriteAsync(
            new AuditEvent { Action = "test", Message = i.ToString(CultureInfo.InvariantCulture) },
            CancellationToken.None).AsTask()));
    }

    private async Task<WebApplication> StartAsync(string[] nodes, params (string Key, string Value)[] settings)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(_installation.Configuration("eu-west", "routing"));
        builder.Configuration["Audit:SpoolDirectory"] = _directory;
        builder.Configuration["Audit:SegmentBytesMax"] = "16384";
        builder.Configuration["Audit:WriteTimeMax"] = "00:00:30";
        builder.Configuration["Audit:CallTimeMax"] = "00:00:02";
        builder.Configuration["Audit:RetryFirst"] = "00:00:00.010";
        builder.Configuration["Audit:RetryMax"] = "00:00:00.100";
        builder.Configuration["Audit:FailedTime"] = "00:00:00.200";
        for (int i = 0; i < nodes.Length; i++)
            builder.Configuration[string.Create(CultureInfo.InvariantCulture, $"Audit:Nodes:{i}:Url")] = nodes[i];
        foreach ((string key, string value) in settings)
            builder.Configuration[key] = value;
        builder.AddServiceDefaults("routing");
        builder.AddAudit("routing");
        WebApplication app = builder.Build();
        app.MapServiceDefaults(new Dictionary<string, AccessRule>());
        await app.StartAsync();
        return app;
    }

    private static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using CancellationTokenSource end = new(TimeSpan.FromSeconds(30));
        while (!await condition())
            await Task.Delay(20, end.Token);
    }
}
