using Google.Rpc;
using Grpc.Core;
using Lepton.Routing.Admission;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.DependencyInjection;
using OpenInference;

namespace Lepton.Routing.Tests.Gateway;

/// <summary>Places at their limits: who waits, who is refused, who is asked instead.</summary>
public sealed class OverloadTests
{
    private static readonly Metadata Batch = new() { { "x-lepton-priority", "batch" } };

    private static Dictionary<string, string?> Limits(int placeMax, string waitMax, string batchShare = "0.75") => new()
    {
        ["Routing:Limits:PlaceMax"] = $"{placeMax}", ["Routing:Limits:WaitMax"] = waitMax,
        ["Routing:Limits:BatchShare"] = batchShare,
    };

    // Answers when the gate opens, in order of arrival; says who came.
    private static (TaskCompletionSource Gate, List<string> Came) Block(FakeNode node)
    {
        TaskCompletionSource gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
        List<string> came = [];
        node.Infer = async (request, _) =>
        {
            lock (came)
                came.Add(request.Id);
            await gate.Task;
            return new ModelInferResponse { ModelName = request.ModelName, Id = request.Id };
        };
        return (gate, came);
    }

    private static Task<ModelInferResponse> AskAsync(TestWorld world, string id, Metadata? headers = null)
    {
        ModelInferRequest request = TestWorld.Ask("ocr");
        request.Id = id;
        return world["eu-west"].Client.ModelInferAsync(request, headers).ResponseAsync;
    }

    private static Task UntilWaitingAsync(TestWorld world, int count) => world["eu-west"].UntilAsync(_ =>
        world["eu-west"].Services.GetRequiredService<PlaceQueue>().Count == count, $"{count} wait");

    private static void IsOverloaded(RpcException e, string limit)
    {
        Assert.Equal((StatusCode.ResourceExhausted, "OVERLOADED"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        Google.Rpc.Status status = Google.Rpc.Status.Parser.ParseFrom(
            e.Trailers.Single(t => t.Key == RpcErrors.DetailsTrailer).ValueBytes);
        Assert.Equal(limit, status.Details[0].Unpack<ErrorInfo>().Metadata["limit"]);
        Assert.True(status.Details[1].Unpack<RetryInfo>().RetryDelay.ToTimeSpan() >= TimeSpan.FromSeconds(0.5));
    }

    [Fact]
    public async Task ModelInfer_EveryPlaceAtItsLimitAndNoWait_IsRefusedWithTheLimitAndADelay()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], settings: Limits(1, "00:00:00"));
        (TaskCompletionSource gate, List<string> came) = Block(await world.AddNodeAsync("eu-west", "node-a", "ocr"));
        Task<ModelInferResponse> first = AskAsync(world, "first");
        await world["eu-west"].UntilAsync(_ => world["eu-west"].Outstanding() == 1, "one is under way");

        IsOverloaded(await Assert.ThrowsAsync<RpcException>(() => AskAsync(world, "second")), LimitOptions.Place);
        gate.SetResult();
        Assert.Equal("first", (await first).Id);
        Assert.Equal("third", (await AskAsync(world, "third")).Id);
        Assert.Equal(["first", "third"], came);
    }

    [Fact]
    public async Task ModelInfer_EveryPlaceAtItsLimit_WaitsRealtimeFirst()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], settings: Limits(1, "00:00:30"));
        (TaskCompletionSource gate, List<string> came) = Block(await world.AddNodeAsync("eu-west", "node-a", "ocr"));
        Task<ModelInferResponse> first = AskAsync(world, "first");
        await world["eu-west"].UntilAsync(_ => world["eu-west"].Outstanding() == 1, "one is under way");
        Task<ModelInferResponse> batch = AskAsync(world, "batch", Batch);
        await UntilWaitingAsync(world, 1);
        Task<ModelInferResponse> second = AskAsync(world, "second");
        await UntilWaitingAsync(world, 2);

        gate.SetResult();
        await Task.WhenAll(first, batch, second);
        Assert.Equal(["first", "second", "batch"], came);
        await UntilWaitingAsync(world, 0);
        Assert.Equal(0, world["eu-west"].Outstanding());
    }

    [Fact]
    public async Task ModelInfer_BatchShareUsed_RefusesBatchAndServesRealtime()
    {
        await using TestWorld world = await TestWorld.StartAsync(
            ["eu-west"], settings: Limits(4, "00:00:00", batchShare: "0.5"));
        (TaskCompletionSource gate, _) = Block(await world.AddNodeAsync("eu-west", "node-a", "ocr"));
        Task[] under = [AskAsync(world, "1", Batch), AskAsync(world, "2", Batch)];
        await world["eu-west"].UntilAsync(_ => world["eu-west"].Outstanding() == 2, "two are under way");

        IsOverloaded(await Assert.ThrowsAsync<RpcException>(() => AskAsync(world, "3", Batch)), LimitOptions.Place);
        Task<ModelInferResponse> realtime = AskAsync(world, "4");
        await world["eu-west"].UntilAsync(_ => world["eu-west"].Outstanding() == 3, "three are under way");
        gate.SetResult();
        Assert.Equal("4", (await realtime).Id);
        await Task.WhenAll(under);
    }

    [Fact]
    public async Task ModelInfer_OnePlaceAtItsLimit_AnotherIsAskedAndTheRecordSaysWhy()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], settings: Limits(1, "00:00:00"));
        (TaskCompletionSource gate, _) = Block(await world.AddNodeAsync("eu-west", "node-a", "ocr"));
        Task<ModelInferResponse> first = AskAsync(world, "first");
        await world["eu-west"].UntilAsync(_ => world["eu-west"].Outstanding() == 1, "one is under way");
        FakeNode free = await world.AddNodeAsync("eu-west", "node-b", "ocr");

        for (int i = 0; i < 2; i++) // round-robin comes to node-a in one of two
        {
            using AsyncUnaryCall<ModelInferResponse> call = world["eu-west"].Client.ModelInferAsync(
                TestWorld.Ask("ocr"), new Metadata { { "x-lepton-strategy", "round-robin" } });
            await call;
            Assert.Equal(i + 1, free.Served);
            string id = call.GetTrailers().GetValue("x-lepton-decision-id")!;
            Decision decision = (await world["eu-west"].Routing.ExplainDecisionAsync(new() { DecisionId = id }))
                .Decision;
            ExclusionReason why = decision.Attempts[0].Candidates.Single(c => c.Node == "node-a").Exclusion;
            Assert.True(why is ExclusionReason.OverLimit or ExclusionReason.Unspecified);
            if (why == ExclusionReason.OverLimit)
                i = 2;
            else
                Assert.Equal(0, i); // the other turn met the limit
        }
        gate.SetResult();
        await first;
    }

    [Fact]
    public async Task ModelInfer_OwnNodesAtTheirLimits_OnlyAllowedRegionsHelp()
    {
        await using TestWorld world = await TestWorld.StartAsync(
            ["eu-west", "us-east"], settings: Limits(1, "00:00:00"));
        FakeNode far = await world.AddNodeAsync("us-east", "far", "ocr");
        (TaskCompletionSource gate, _) = Block(await world.AddNodeAsync("eu-west", "node-a", "ocr"));
        await world.SeesAsync("eu-west", "us-east", "ocr");
        Task<ModelInferResponse> first = AskAsync(world, "first", TestWorld.Class("eu-personal"));
        await world["eu-west"].UntilAsync(_ => world["eu-west"].Outstanding() == 1, "one is under way");

        RpcException e = await Assert.ThrowsAsync<RpcException>(() =>
            AskAsync(world, "second", TestWorld.Class("eu-personal")));
        IsOverloaded(e, LimitOptions.Place);
        Assert.Equal(0, far.Reached);
        Assert.Equal("third", (await AskAsync(world, "third", TestWorld.Class("atlantic"))).Id);
        Assert.Equal(1, far.Reached);
        gate.SetResult();
        await first;
    }

    [Fact]
    public async Task ModelInfer_WaitEndsWithTheCaller_LeavesNothingBehind()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], settings: Limits(1, "00:00:30"));
        (TaskCompletionSource gate, List<string> came) = Block(await world.AddNodeAsync("eu-west", "node-a", "ocr"));
        Task<ModelInferResponse> first = AskAsync(world, "first");
        await world["eu-west"].UntilAsync(_ => world["eu-west"].Outstanding() == 1, "one is under way");
        using (AsyncUnaryCall<ModelInferResponse> waits = world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr")))
            await UntilWaitingAsync(world, 1); // cancelled at the end

        await UntilWaitingAsync(world, 0);
        gate.SetResult();
        await first;
        await world["eu-west"].UntilAsync(_ => world["eu-west"].Outstanding() == 0, "nothing is under way");
        Assert.Equal(["first"], came);
    }
}
