using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Inference.Agent;
using Lepton.Inference.Serving;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using Lepton.Testing;

namespace Lepton.Inference.Tests;

/// <summary>What a node tells its routers, over a real stream.</summary>
public sealed partial class AgentTests
{
    [Fact]
    public async Task Report_OfAServingNode_SaysWhatItIsAndHas()
    {
        using var pki = new TestInstallation();
        await using var router = await Router.StartAsync(pki);
        using var models = new TestRepository().Sum("sum");
        await using var node = await NodeHost.StartAsync(models, Settings(router), pki);
        for (var i = 0; i < 3; i++)
            await node.InferAsync(
                Messages.Request("sum", ("a", "FP32", [1, 3], new byte[12]), ("b", "FP32", [1, 3], new byte[12])));

        var report = await router.UntilAsync(r => r.Models is [{ Completed: 3 }]);

        Assert.Equal((NodeHost.Node, NodeHost.Region, "a", Tier.Core, "https://127.0.0.1:1", NodeState.Serving),
            (report.Node, report.Region, report.Zone, report.Tier, report.Url, report.State));
        var model = report.Models.Single();
        Assert.Equal(("sum", "1", true, "cpu", "cpu", 1U, 64U),
            (model.Name, model.Version, model.Ready, model.Provider, model.WantedProvider, model.Slots,
                model.QueueMax));
        Assert.True(model.ServiceTime.ToTimeSpan() > TimeSpan.Zero);
        Assert.True(model.RequestRate > 0);
        Assert.True(report.Load is { CpuCount: > 0, MemoryUsedBytes: > 1_000_000, MemoryLimitBytes: > 1_000_000 });
        Assert.InRange(report.Load.CpuUtilization, 0, 1);
        Assert.True(report.Sequence > 0);
    }

    [Fact]
    public async Task Report_ModelUnloaded_ComesLongBeforeTheInterval()
    {
        using var pki = new TestInstallation();
        await using var router = await Router.StartAsync(pki);
        using var models = new TestRepository().Identity("m", "FP32");
        var settings = Settings(router);
        settings["Inference:ReportIntervalMilliseconds"] = "60000";
        await using var node = await NodeHost.StartAsync(models, settings, pki);
        await router.UntilAsync(r => r.State == NodeState.Serving && r.Models is [{ Ready: true }]);

        await node.Client.RepositoryModelUnloadAsync(new() { ModelName = "m" }, node.Headers("m"));

        await router.UntilAsync(r => r.Models is [{ Ready: false }]); // in 20 s, not in a minute
    }

    [Fact]
    public async Task Report_RouterThatNeverAnswers_IsTriedAnew()
    {
        using var pki = new TestInstallation();
        await using var router = await Router.StartAsync(pki);
        router.SilentStreams = 1;
        using var models = new TestRepository().Sum("sum");
        await using var node = await NodeHost.StartAsync(models, Settings(router), pki);

        await router.UntilAsync(r => r.State == NodeState.Serving); // within 20 s
    }

    [Theory]
    [InlineData("false", true)]
    [InlineData("true", false)]
    [InlineData(null, false)]
    public async Task Report_Idempotent_IsAsTheConfigurationDeclares(string? declared, bool nonIdempotent)
    {
        using var pki = new TestInstallation();
        await using var router = await Router.StartAsync(pki);
        using var models = new TestRepository().Identity("m", "FP32", config: declared is null ? null
            : $$"""{ "parameters": { "idempotent": { "stringValue": "{{declared}}" } } }""");
        await using var node = await NodeHost.StartAsync(models, Settings(router), pki);

        var report = await router.UntilAsync(r => r.Models is [{ Ready: true }]);

        Assert.Equal((nonIdempotent, false), (report.Models[0].NonIdempotent, report.Models[0].Loading));
    }

    [Fact]
    public async Task Report_RouterRestarts_TheNodeComesBack()
    {
        using var pki = new TestInstallation();
        using var models = new TestRepository().Identity("m", "FP32");
        var router = await Router.StartAsync(pki);
        await using var node = await NodeHost.StartAsync(models, Settings(router), pki);
        var before = await router.UntilAsync(r => r.State == NodeState.Serving);
        var port = router.Port;
        await router.DisposeAsync();

        await using var again = await Router.StartAsync(pki, port);
        var after = await again.UntilAsync(r => r.State == NodeState.Serving);

        Assert.Equal(before.StartTime, after.StartTime);
        Assert.True(after.Sequence > before.Sequence);
    }

    [Fact]
    public async Task Stop_WithWorkUnderWay_ReportsDrainingRefusesNewAndFinishesIt()
    {
        using var pki = new TestInstallation();
        await using var router = await Router.StartAsync(pki);
        using var models = new TestRepository().Slow("slow");
        var settings = Settings(router);
        settings["Inference:WarmUp"] = "false";
        settings["Inference:DrainSeconds"] = "60";
        await using var node = await NodeHost.StartAsync(models, settings, pki);
        using var running = node.InferAsync(
            Messages.Request("slow", ("x", "FP32", [256, 256], new byte[256 * 256 * 4])));
        await node.UntilTakenAsync("slow");

        var stopping = node.StopAsync();
        await router.UntilAsync(r => r.State == NodeState.Draining);
        await node.UntilRefusingAsync();
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await node.InferAsync(Messages.Request("slow", ("x", "FP32", [1, 1], new byte[4]))));
        var answer = await running;
        await stopping;

        Assert.Equal((StatusCode.Unavailable, "NODE_DRAINING"), (refused.StatusCode, RpcErrors.ReasonOf(refused)));
        Assert.Equal("slow", answer.ModelName);
    }

    [Fact]
    public async Task Stop_RoutersThatHaveNotHeard_AreServedUntilTheyHave()
    {
        using var pki = new TestInstallation();
        await using var quick = await Router.StartAsync(pki);
        await using var slow = await Router.StartAsync(pki);
        using var models = new TestRepository().Sum("sum");
        var settings = Settings(quick);
        settings["Inference:Routers:1"] = slow.Address;
        await using var node = await NodeHost.StartAsync(models, settings, pki);
        await slow.UntilAsync(r => r.State == NodeState.Serving);
        var hold = slow.HoldAnswers = new TaskCompletionSource();

        var stopping = node.StopAsync();
        await quick.UntilAsync(r => r.State == NodeState.Draining);
        await slow.UntilAsync(r => r.State == NodeState.Draining);
        // One router's answer is out: it may still send.
        for (var i = 0; i < 5; i++)
            await node.InferAsync(Messages.Request(
                "sum", ("a", "FP32", [1, 3], new byte[12]), ("b", "FP32", [1, 3], new byte[12])));
        Assert.False(stopping.IsCompleted);
        hold.SetResult();
        await stopping.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Stop_OpenStream_AnswersWhatWasAskedThenEndsWithUnavailable()
    {
        using var pki = new TestInstallation();
        await using var router = await Router.StartAsync(pki);
        using var models = new TestRepository().Slow("slow");
        var settings = Settings(router);
        settings["Inference:WarmUp"] = "false";
        settings["Inference:DrainSeconds"] = "60";
        await using var node = await NodeHost.StartAsync(models, settings, pki);
        using var call = node.Client.ModelStreamInfer(node.Headers("slow"));
        await call.RequestStream.WriteAsync(
            Messages.Request("slow", ("x", "FP32", [256, 256], new byte[256 * 256 * 4])));
        await node.UntilTakenAsync("slow");

        var stopping = node.StopAsync();

        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(("", "slow"),
            (call.ResponseStream.Current.ErrorMessage, call.ResponseStream.Current.InferResponse.ModelName));
        var ended = await Assert.ThrowsAsync<RpcException>(
            () => call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal((StatusCode.Unavailable, "NODE_DRAINING"), (ended.StatusCode, RpcErrors.ReasonOf(ended)));
        await stopping.WaitAsync(TimeSpan.FromSeconds(20)); // the open stream does not hold the node
    }

    [Fact]
    public async Task Order_DrainThenServe_IsFollowedAndToldAndTheNodeStays()
    {
        using var pki = new TestInstallation();
        await using var router = await Router.StartAsync(pki);
        using var models = new TestRepository().Identity("identity", "FP32");
        await using var node = await NodeHost.StartAsync(models, Settings(router), pki);
        await router.UntilAsync(r => r.State == NodeState.Serving);

        router.Order = NodeOrder.Drain;
        await router.UntilAsync(r => r.State == NodeState.Draining);
        // What is under way, or was sent before routers knew, is still taken: only routers stop sending.
        Assert.True((await node.Client.ServerLiveAsync(new(), node.Headers("identity"))).Live);

        router.Order = NodeOrder.Serve;
        await router.UntilAsync(r => r.State == NodeState.Serving);
    }

    [Fact]
    public async Task Next_ChangesInARow_AreOneReport()
    {
        var pace = new ReportPace(TimeSpan.FromMinutes(10), TimeProvider.System);
        using var subscription = pace.Subscribe();
        pace.Changed();
        pace.Changed();

        await subscription.NextAsync(CancellationToken.None);
        var second = subscription.NextAsync(CancellationToken.None);

        Assert.False(second.IsCompleted);
        pace.Changed();
        await second.WaitAsync(TimeSpan.FromSeconds(20));
    }

    private static Dictionary<string, string?> Settings(Router router) => new()
    {
        ["Inference:Routers:0"] = router.Address,
        ["Inference:ReportIntervalMilliseconds"] = "50",
    };
}
