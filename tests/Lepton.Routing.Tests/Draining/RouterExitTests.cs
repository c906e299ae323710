using System.Net;
using Grpc.Core;
using Grpc.Health.V1;
using Lepton.Routing.Draining;
using Lepton.Routing.Tests.World;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.DependencyInjection;
using OpenInference;
using Probe = Grpc.Health.V1.Health.HealthClient;

namespace Lepton.Routing.Tests.Draining;

/// <summary>A router that is told to stop: who hears of it, what it still does, and what it never breaks.</summary>
public sealed class RouterExitTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    // Long enough for a test to look around in; nothing waits for it to pass.
    private static readonly Dictionary<string, string?> LongLameDuck =
        new() { ["Routing:Drain:LameDuckTime"] = "00:01:00" };

    [Fact]
    public async Task Stop_CallsComeStill_AreServedWhileHealthSaysNo()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], settings: LongLameDuck);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        TestRouter router = world["eu-west"];
        Probe health = new(router.Channel);
        await router.Client.ModelInferAsync(TestWorld.Ask("ocr"));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await health.CheckAsync(new())).Status);

        using CancellationTokenSource enough = new();
        Task stop = router.StopAsync(enough.Token);
        await router.UntilAsync(_ => router.Services.GetRequiredService<RouterDrain>().IsOn, "it drains");

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, (await health.CheckAsync(new())).Status);
        for (int i = 0; i < 10; i++)
            Assert.Equal("ocr", (await router.Client.ModelInferAsync(TestWorld.Ask("ocr"))).ModelName);
        Assert.False(stop.IsCompleted);
        await enough.CancelAsync();
        await stop.WaitAsync(Patience);
    }

    [Fact]
    public async Task Stop_NobodyCalls_IsQuick()
    {
        await using TestWorld world =
            await TestWorld.StartAsync(["eu-west", "us-east"], settings: LongLameDuck);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        await world.SeesAsync("us-east", "eu-west", "ocr");

        await world["eu-west"].StopAsync(CancellationToken.None).WaitAsync(Patience); // not the lame duck's minute
    }

    [Fact]
    public async Task Stop_OtherRegionsRouters_TurnAwayAndNoCallFails()
    {
        await using TestWorld world = await TestWorld.StartAsync(
            ["eu-west", "us-east"], settings: LongLameDuck, routers: 2);
        await world.AddNodeAsync("us-east", "far", "ocr");
        await world.SeesAsync("eu-west", "us-east", "ocr");
        await world["us-east"].Client.ModelInferAsync(TestWorld.Ask("ocr")); // somebody calls: it drains slowly
        using CancellationTokenSource enough = new();

        Task stop = world["us-east"].StopAsync(enough.Token);
        await world["eu-west"].UntilAsync(s => s.Regions.Any(r => r.Draining), "the other region has heard");
        for (int i = 0; i < 10; i++)
        {
            using AsyncUnaryCall<ModelInferResponse> call = world["eu-west"].Client.ModelInferAsync(
                TestWorld.Ask("ocr"));
            await call;
            string id = call.GetTrailers().GetValue("x-lepton-decision-id")!;
            var told = await world["eu-west"].Routing.ExplainDecisionAsync(new() { DecisionId = id });
            Assert.Equal("router-us-east-1", Assert.Single(told.Decision.Attempts).Router);
            Assert.Contains(told.Decision.Attempts[0].Candidates, c => c.Router == "router-us-east-0"
                && c.Exclusion == V1.ExclusionReason.Draining);
        }
        await enough.CancelAsync();
        await stop.WaitAsync(Patience);
    }

    [Fact]
    public async Task Stop_UnaryCallUnderWay_IsFinished()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        TaskCompletionSource goOn = new();
        node.Infer = async (request, context) =>
        {
            await goOn.Task.WaitAsync(context.CancellationToken);
            return new ModelInferResponse { ModelName = request.ModelName };
        };
        TestRouter router = world["eu-west"];
        using AsyncUnaryCall<ModelInferResponse> call = router.Client.ModelInferAsync(TestWorld.Ask("ocr"));
        await router.UntilAsync(_ => node.Served == 1, "the node works");

        Task stop = router.StopAsync(CancellationToken.None);
        CancellationToken closing = router.Services.GetRequiredService<RouterDrain>().Closing;
        await router.UntilAsync(_ => closing.IsCancellationRequested, "the lame duck is over");
        Assert.False(stop.IsCompleted);
        goOn.SetResult();

        Assert.Equal("ocr", (await call).ModelName);
        await stop.WaitAsync(Patience);
    }

    [Fact]
    public async Task Stop_OpenStream_AnswersWhatWasAskedThenEndsWithUnavailable()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        TaskCompletionSource goOn = new();
        node.Infer = async (request, context) =>
        {
            if (request.Id == "last")
                await goOn.Task.WaitAsync(context.CancellationToken);
            return new ModelInferResponse { ModelName = request.ModelName, Id = request.Id };
        };
        TestRouter router = world["eu-west"];
        using var call = router.Client.ModelStreamInfer(TestWorld.Class("eu-personal"));
        await call.RequestStream.WriteAsync(TestWorld.Ask("ocr"));
        Assert.True(await call.ResponseStream.MoveNext());
        ModelInferRequest last = TestWorld.Ask("ocr");
        last.Id = "last";
        await call.RequestStream.WriteAsync(last);
        await router.UntilAsync(_ => node.Asked == 2, "the node works on the second message");

        Task stop = router.StopAsync(CancellationToken.None);
        CancellationToken closing = router.Services.GetRequiredService<RouterDrain>().Closing;
        await router.UntilAsync(_ => closing.IsCancellationRequested, "the lame duck is over");
        goOn.SetResult();

        Assert.True(await call.ResponseStream.MoveNext());
        Assert.Equal("last", call.ResponseStream.Current.InferResponse.Id);
        RpcException e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());
        Assert.Equal((StatusCode.Unavailable, "STOPPING"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        Assert.Contains("RetryInfo", e.Trailers.GetValueBytes("grpc-status-details-bin") is { } details
            ? System.Text.Encoding.ASCII.GetString(details) : "", StringComparison.Ordinal);
        await stop.WaitAsync(Patience);
    }

    [Fact]
    public async Task Stop_StreamWithoutAMessage_EndsWithUnavailable()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        TestRouter router = world["eu-west"];
        CallCount calls = router.Services.GetRequiredService<CallCount>();
        using var call = router.Client.ModelStreamInfer();
        await router.UntilAsync(_ => calls.Active == 1, "the stream is open");

        Task stop = router.StopAsync(CancellationToken.None);

        RpcException e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());
        Assert.Equal((StatusCode.Unavailable, "STOPPING"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        await stop.WaitAsync(Patience);
    }

    [Fact]
    public async Task Ready_JustStarted_WaitsForANode()
    {
        await using TestWorld world = await TestWorld.StartAsync(
            ["eu-west"], settings: new() { ["Routing:Drain:StartTime"] = "00:10:00" });
        using HttpClient http = new(world.Installation.Handler(world.Installation.Tenant("demo")))
        {
            DefaultRequestVersion = HttpVersion.Version20,
        };
        Uri ready = new(world["eu-west"].Url + "/health/ready");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await http.GetAsync(ready)).StatusCode);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(ready)).StatusCode);
    }

    [Fact]
    public async Task Ready_NoNodeForLong_IsReadyWithWhatItHas()
    {
        await using TestWorld world = await TestWorld.StartAsync(
            ["eu-west"], settings: new() { ["Routing:Drain:StartTime"] = "00:00:00" });
        Probe health = new(world["eu-west"].Channel);

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await health.CheckAsync(new())).Status);
    }
}
