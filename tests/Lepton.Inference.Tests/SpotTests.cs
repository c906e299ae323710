using System.Collections.Concurrent;
using System.Net;
using Lepton.Inference.Agent.Spot;
using Lepton.Routing.V1;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Lepton.Inference.Tests;

/// <summary>E3: a notice drains the node; the wire forms of three clouds' metadata services.</summary>
public sealed class SpotTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _asked = [];
    private WebApplication? _app;
    private Func<HttpContext, string?> _answer = _ => null; // null: 404

    private string Address => _app?.Urls.Single() ?? "";

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(async http =>
        {
            _asked.Enqueue($"{http.Request.Method} {http.Request.Path}{http.Request.QueryString}");
            if (_answer(http) is { } text)
                await http.Response.WriteAsync(text);
            else if (http.Response.StatusCode == 200)
                http.Response.StatusCode = 404;
        });
        await _app.StartAsync();
    }

    public async Task DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
    }

    [Fact]
    public async Task Aws_NoneThenTerminate_AsksWithATokenAndReadsTheTime()
    {
        string? action = null;
        var token = "t1";
        _answer = http =>
        {
            if (http.Request.Method == "PUT")
                return http.Request.Headers["X-aws-ec2-metadata-token-ttl-seconds"] == "21600" ? token : null;
            if (http.Request.Headers["X-aws-ec2-metadata-token"] != token)
                http.Response.StatusCode = 401;
            return http.Response.StatusCode == 401 ? null : action;
        };
        var notices = Source("aws");

        Assert.Null(await notices.AskAsync(CancellationToken.None));
        action = """{"action": "terminate", "time": "2026-09-18T08:22:00Z"}""";
        Assert.Equal(new SpotNotice(new DateTimeOffset(2026, 9, 18, 8, 22, 0, TimeSpan.Zero), "terminate"),
            await notices.AskAsync(CancellationToken.None));
        Assert.Equal(
        [
            "PUT /latest/api/token", "GET /latest/meta-data/spot/instance-action",
            "GET /latest/meta-data/spot/instance-action",
        ], _asked);

        token = "t2"; // the old one has expired: one look fails, the next has a new one
        await Assert.ThrowsAsync<HttpRequestException>(() => notices.AskAsync(CancellationToken.None));
        Assert.NotNull(await notices.AskAsync(CancellationToken.None));
    }

    [Theory]
    [InlineData("""{"DocumentIncarnation": 1, "Events": []}""", false)]
    [InlineData("""{"Events": [{"EventId": "e", "EventType": "Reboot", "Resources": ["vm-1"]}]}""", false)]
    [InlineData("""{"Events": [{"EventId": "e", "EventType": "Preempt", "Resources": ["vm-2"]}]}""", false)]
    [InlineData("""
        {"Events": [{"EventId": "e", "EventType": "Preempt", "Resources": ["vm-2", "vm-1"],
          "NotBefore": "Mon, 19 Sep 2026 18:29:47 GMT"}]}
        """, true)]
    public async Task Azure_Events_OnlyPreemptOfThisMachineCounts(string events, bool noticed)
    {
        _answer = http => http.Request.Headers["Metadata"] == "true" ? events : null;

        var notice = await Source("azure", "vm-1").AskAsync(CancellationToken.None);

        Assert.Equal(noticed, notice is not null);
        Assert.Equal("GET /metadata/scheduledevents?api-version=2020-07-01", Assert.Single(_asked));
    }

    [Theory]
    [InlineData("FALSE", false)]
    [InlineData("TRUE", true)]
    public async Task Google_Preempted_IsTrueOrFalse(string text, bool noticed)
    {
        _answer = http => http.Request.Headers["Metadata-Flavor"] == "Google" ? text : null;

        Assert.Equal(noticed, await Source("gcp").AskAsync(CancellationToken.None) is not null);
        Assert.Equal("GET /computeMetadata/v1/instance/preempted", Assert.Single(_asked));
    }

    [Theory]
    [InlineData("aws")]
    [InlineData("azure")]
    public async Task Clouds_AnswerIsNone_IsSaidAndNoNotice(string cloud)
    {
        _answer = _ => "<html>a proxy's page</html>";

        await Assert.ThrowsAsync<HttpRequestException>(() => Source(cloud).AskAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Node_Noticed_TellsItsRouterThatItDrainsAndNoOrderTakesThatBack()
    {
        using var pki = new TestInstallation();
        await using var router = await AgentTests.Router.StartAsync(pki);
        using var models = new TestRepository().Sum("sum");
        var file = Path.Combine(pki.Directory, "taken-back");
        await using var node = await NodeHost.StartAsync(models, new()
        {
            ["Inference:Routers:0"] = router.Address,
            ["Inference:ReportIntervalMilliseconds"] = "100",
            ["Inference:Spot:Source"] = "file",
            ["Inference:Spot:File"] = file,
            ["Inference:Spot:PollMilliseconds"] = "100",
        }, pki);
        await router.UntilAsync(r => r.State == NodeState.Serving);

        await File.WriteAllTextAsync(file, "");
        var report = await router.UntilAsync(r => r.State == NodeState.Draining);
        router.Order = NodeOrder.Serve;
        await router.UntilAsync(r => r.Sequence > report.Sequence + 2);

        Assert.Equal(NodeState.Draining, (await router.UntilAsync(_ => true)).State);
    }

    private ISpotNotices Source(string cloud, string resource = "") => SpotSetup.SourceOf(
        new SpotOptions { Source = cloud, Url = Address, Resource = resource })!;
}
