using Grpc.Core;
using Lepton.Routing.Resilience;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Microsoft.Extensions.DependencyInjection;
using OpenInference;

namespace Lepton.Routing.Tests.Gateway;

/// <summary>A second attempt beside a slow first.</summary>
public sealed class HedgeTests
{
    private static async Task<(TestWorld World, FakeNode[] Nodes)> LearnedAsync(bool idempotent = true)
    {
        TestWorld world = await TestWorld.StartAsync(["eu-west"],
            settings: new() { ["Routing:Hedging:SamplesMin"] = "10", ["Routing:Hedging:DelayMin"] = "00:00:00.2" });
        FakeNode[] nodes =
        [
            await world.AddNodeAsync("eu-west", "node-a", r => r.Models[0].NonIdempotent = !idempotent, "ocr"),
            await world.AddNodeAsync("eu-west", "node-b",
                r => (r.Zone, r.Models[0].NonIdempotent) = ("b", !idempotent), "ocr"),
        ];
        FlowTable flows = world["eu-west"].Services.GetRequiredService<FlowTable>();
        while (flows.For("ocr").Latency.SlowSeconds == 0)
            await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"));
        return (world, nodes);
    }

    private static TaskCompletionSource<FakeNode> FirstHangs(FakeNode[] nodes)
    {
        TaskCompletionSource<FakeNode> hung = new(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (FakeNode node in nodes)
            node.Fault = () => hung.TrySetResult(node) ? WireFault.Hang : WireFault.None;
        return hung;
    }

    [Fact]
    public async Task ModelInfer_FirstPlaceHangs_TheSecondAnswersAndBothAreRecorded()
    {
        (TestWorld world, FakeNode[] nodes) = await LearnedAsync();
        await using TestWorld owned = world;
        TaskCompletionSource<FakeNode> hung = FirstHangs(nodes);

        using AsyncUnaryCall<ModelInferResponse> call = world["eu-west"].Client.ModelInferAsync(
            TestWorld.Ask("ocr"), TestWorld.Class("eu-personal")); // regulated: each attempt on disk before it goes
        Assert.Equal("id-1", (await call.ResponseAsync.WaitAsync(TimeSpan.FromSeconds(20))).Id);

        FakeNode slow = await hung.Task;
        string id = call.GetTrailers().GetValue("x-lepton-decision-id")!;
        Decision decision = (
            await world["eu-west"].Routing.ExplainDecisionAsync(new() { DecisionId = id })).Decision;
        Assert.Equal([$"{slow.Id} HEDGE_LOST 1", $"{nodes.Single(n => n != slow).Id}  0"],
            decision.Attempts.Select(a => $"{a.Node} {a.Reason} {a.StatusCode}"));
        await world["eu-west"].UntilAsync(_ => world["eu-west"].Outstanding() == 0, "the loser is released");
    }

    [Fact]
    public async Task ModelInfer_NotIdempotent_IsNotHedged()
    {
        (TestWorld world, FakeNode[] nodes) = await LearnedAsync(idempotent: false);
        await using TestWorld owned = world;
        int before = nodes.Sum(n => n.Reached);
        FirstHangs(nodes);

        RpcException e = await Assert.ThrowsAsync<RpcException>(async () => await world["eu-west"].Client
            .ModelInferAsync(TestWorld.Ask("ocr"), deadline: DateTime.UtcNow.AddSeconds(2)));

        Assert.Equal(StatusCode.DeadlineExceeded, e.StatusCode);
        Assert.Equal(before + 1, nodes.Sum(n => n.Reached));
    }
}
