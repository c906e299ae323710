using Grpc.Core;
using Lepton.Routing.Resilience;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.DependencyInjection;
using OpenInference;

namespace Lepton.Routing.Tests.Gateway;

/// <summary>Requests for a model that is still being loaded.</summary>
public sealed class HoldTests
{
    private static void Loading(NodeReport report)
    {
        report.State = NodeState.Starting;
        (report.Models[0].Ready, report.Models[0].Loading) = (false, true);
    }

    private static long Held(TestWorld world) => world["eu-west"].Services.GetRequiredService<ColdHold>().Count;

    private static async Task<RpcException> RefusedAsync(TestWorld world, Metadata? headers = null) =>
        await Assert.ThrowsAsync<RpcException>(async () =>
            await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"), headers));

    [Fact]
    public async Task ModelInfer_NodeStarts_IsServedWhenItIsReady()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", Loading, "ocr");

        Task<ModelInferResponse> call = world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr")).ResponseAsync;
        await world["eu-west"].UntilAsync(
            _ => Held(world) == 1, "the request is held");
        Assert.False(call.IsCompleted);
        (node.Report.State, node.Report.Models[0].Ready, node.Report.Models[0].Loading) =
            (NodeState.Serving, true, false);

        Assert.Equal("id-1", (await call).Id);
        Assert.Equal(0, Held(world));
    }

    [Fact]
    public async Task ModelInfer_StartTakesTooLong_IsRefusedAsBefore()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"],
            settings: new() { ["Routing:Hold:TimeMax"] = "00:00:00.2" });
        await world.AddNodeAsync("eu-west", "node-a", Loading, "ocr");
        RpcException e = await RefusedAsync(world);
        Assert.Equal((StatusCode.Unavailable, "NO_NODE_AVAILABLE"), (e.StatusCode, RpcErrors.ReasonOf(e)));
    }

    [Fact]
    public async Task ModelInfer_TooManyWait_RefusesBatchFirst()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"],
            settings: new() { ["Routing:Hold:CountMax"] = "1" });
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", Loading, "ocr");
        Assert.Equal("NO_NODE_AVAILABLE", RpcErrors.ReasonOf(
            await RefusedAsync(world, new Metadata { { "x-lepton-priority", "batch" } }))); // half of one is none

        Task<ModelInferResponse> first = world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr")).ResponseAsync;
        await world["eu-west"].UntilAsync(
            _ => Held(world) == 1, "the request is held");
        Assert.Equal("NO_NODE_AVAILABLE", RpcErrors.ReasonOf(await RefusedAsync(world)));
        (node.Report.State, node.Report.Models[0].Ready) = (NodeState.Serving, true);
        await first;
    }

    [Fact]
    public async Task ModelInfer_ModelUnloaded_IsRefusedAtOnce()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"],
            settings: new() { ["Routing:Hold:TimeMax"] = "00:10:00" });
        await world.AddNodeAsync("eu-west", "node-a", r => r.Models[0].Ready = false, "ocr");
        Assert.Equal("NO_NODE_AVAILABLE", RpcErrors.ReasonOf(await RefusedAsync(world)));
    }
}
