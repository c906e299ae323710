using Grpc.Core;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using OpenInference;

namespace Lepton.Routing.Tests.Gateway;

/// <summary>What becomes of a request whose place fails, over real connections.</summary>
public sealed class RetryTests
{
    private static readonly RpcException QueueFull = RpcErrors.Create(StatusCode.ResourceExhausted,
        Lepton.Inference.V1.ErrorReason.QueueFull, "full", null, RpcErrors.RetryAfter(TimeSpan.FromMilliseconds(200)));

    // The first request to come anywhere suffers; every later one is served.
    private static void FirstSuffers(FakeNode[] nodes, WireFault fault)
    {
        int came = 0;
        foreach (FakeNode node in nodes)
            node.Fault = () => Interlocked.Increment(ref came) == 1 ? fault : WireFault.None;
    }

    private static async Task<FakeNode[]> TwoAsync(TestWorld world, bool idempotent = true) =>
    [
        await world.AddNodeAsync("eu-west", "node-a", r => r.Models[0].NonIdempotent = !idempotent, "ocr"),
        await world.AddNodeAsync("eu-west", "node-b", r
            => (r.Zone, r.Models[0].NonIdempotent) = ("b", !idempotent), "ocr"),
    ];

    private static async Task<Decision> DecisionOfAsync(TestWorld world, Metadata trailers) =>
        (await world["eu-west"].Routing.ExplainDecisionAsync(
            new() { DecisionId = trailers.GetValue("x-lepton-decision-id")! })).Decision;

    [Theory]
    [InlineData(nameof(WireFault.ResetConnection))]
    [InlineData(nameof(WireFault.ResetStream))]
    [InlineData(nameof(WireFault.BreakAnswer))]
    public async Task ModelInfer_PlaceFails_IsServedByAnotherZone(string fault)
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode[] nodes = await TwoAsync(world);
        FirstSuffers(nodes, Enum.Parse<WireFault>(fault));

        using AsyncUnaryCall<ModelInferResponse> call = world["eu-west"].Client.ModelInferAsync(
            TestWorld.Ask("ocr"), TestWorld.Class("eu-personal"));
        Assert.Equal("id-1", (await call).Id);

        Decision decision = await DecisionOfAsync(world, call.GetTrailers());
        // A head that came is forgotten when the reset overtakes it.
        Assert.Contains(decision.Attempts[0].Reason, (string[])["CONNECTION_FAILED", "ANSWER_BROKE_OFF"]);
        Assert.Equal((2, ""), (decision.Attempts.Count, decision.Attempts[1].Reason));
        Assert.Equal((1, 1), (nodes[0].Reached, nodes[1].Reached));
        Assert.Equal(0, world["eu-west"].Outstanding());
    }

    [Theory]
    [InlineData(nameof(WireFault.ResetConnection))]
    [InlineData(nameof(WireFault.ResetStream))]
    [InlineData(nameof(WireFault.BreakAnswer))]
    public async Task ModelInfer_NotIdempotentAndMayHaveRun_IsNeverSentTwice(string fault)
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode[] nodes = await TwoAsync(world, idempotent: false);
        FirstSuffers(nodes, Enum.Parse<WireFault>(fault));

        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr")));

        Assert.Equal((StatusCode.Unknown, "OUTCOME_UNKNOWN"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        Assert.Equal(1, nodes.Sum(n => n.Reached));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ModelInfer_QueueFull_GoesToAnotherWhateverTheModel(bool idempotent)
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode[] nodes = await TwoAsync(world, idempotent);
        int came = 0;
        foreach (FakeNode node in nodes)
            node.Infer = (request, _) => Interlocked.Increment(ref came) == 1
                ? throw QueueFull
                : Task.FromResult(new ModelInferResponse { Id = request.Id });

        Assert.Equal("id-1", (await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"))).Id);
        Assert.Equal(2, came);
    }

    [Fact]
    public async Task ModelInfer_EveryQueueFull_TellsTheNodesOwnWords()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        foreach (FakeNode node in await TwoAsync(world))
            node.Infer = (_, _) => throw QueueFull;

        RpcException e = await Assert.ThrowsAsync<RpcException>(async () =>
            await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr")));

        Assert.Equal((StatusCode.ResourceExhausted, "QUEUE_FULL"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        Assert.Contains(RpcErrors.DetailsOf(e)!.Details, d => d.Is(Google.Rpc.RetryInfo.Descriptor));
    }

    [Fact]
    public async Task ModelInfer_NodeFallsOutWhileItWorks_IsServedElsewhereAtOnce()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode[] nodes = await TwoAsync(world);
        TaskCompletionSource<FakeNode> hung = new();
        foreach (FakeNode node in nodes)
            node.Fault = () => hung.TrySetResult(node) ? WireFault.Hang : WireFault.None;

        using AsyncUnaryCall<ModelInferResponse> call = world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"));
        FakeNode silent = await hung.Task;
        await silent.StopReportingAsync(); // its connections stand: nothing but the report stream tells

        Assert.Equal("id-1", (await call.ResponseAsync.WaitAsync(TimeSpan.FromSeconds(20))).Id);
        Decision decision = await DecisionOfAsync(world, call.GetTrailers());
        Assert.Equal(["PLACE_GONE", ""], decision.Attempts.Select(a => a.Reason));
        await world["eu-west"].UntilAsync(_ => world["eu-west"].Outstanding() == 0, "nothing is under way");
    }

    [Fact]
    public async Task ModelInfer_NodeFallsOutAndNobodyElseIsThere_IsWaitedFor()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        TaskCompletionSource working = new(), finish = new();
        node.Infer = async (request, _) =>
        {
            working.SetResult();
            await finish.Task;
            return new ModelInferResponse { Id = request.Id };
        };
        Task<ModelInferResponse> call = world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr")).ResponseAsync;
        await working.Task;
        await node.StopReportingAsync();
        await world["eu-west"].UntilAsync(s => s.Nodes[0].State == NodeState.Out, "the node is out");
        finish.SetResult();
        Assert.Equal("id-1", (await call).Id);
    }

    [Fact]
    public async Task ModelInfer_EverythingFailsAlways_StaysInsideTheBudget()
    {
        const int requests = 300;
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"],
            settings: new() { ["Routing:Retries:PerSecond"] = "1", ["Routing:AttemptsMax"] = "10" });
        FakeNode[] nodes = await TwoAsync(world);
        foreach (FakeNode node in nodes)
            node.Fault = () => WireFault.ResetStream;

        List<RpcException> errors = [];
        for (int i = 0; i < requests; i++)
            errors.Add(await Assert.ThrowsAsync<RpcException>(async () =>
                await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"))));

        int sent = nodes.Sum(n => n.Reached);
        // A second more than ten may lie in the window of a slow machine: ten retries of the floor each.
        Assert.InRange(sent - requests, 10, (requests * 0.2) + 40);
        RpcException spent = errors.First(e => RpcErrors.ReasonOf(e) == "RETRY_BUDGET_SPENT");
        Assert.Equal(StatusCode.Unavailable, spent.StatusCode);
        Assert.Contains(RpcErrors.DetailsOf(spent)!.Details, d => d.Is(Google.Rpc.RetryInfo.Descriptor));
        Assert.Equal(0, world["eu-west"].Outstanding());
    }

    [Fact]
    public async Task ModelInfer_AnyFaults_NeverLeaveTheAllowedRegions()
    {
        int seed = Random.Shared.Next();
        await using TestWorld world = await TestWorld.StartAsync(["eu-west", "us-east"]);
        FakeNode[] near = await TwoAsync(world);
        FakeNode far = await world.AddNodeAsync("us-east", "far", "ocr");
        await world.SeesAsync("eu-west", "us-east", "ocr");
        Random random = new(seed);
        WireFault[] faults = [WireFault.None, WireFault.ResetConnection, WireFault.ResetStream, WireFault.BreakAnswer];
        foreach (FakeNode node in near)
        {
            node.Fault = () =>
            {
                lock (random)
                    return faults[random.Next(faults.Length)];
            };
            node.Infer = (request, _) =>
            {
                lock (random)
                    return random.Next(3) == 0 ? throw QueueFull
                        : Task.FromResult(new ModelInferResponse { Id = request.Id });
            };
        }

        int served = 0;
        for (int i = 0; i < 60; i++)
            try
            {
                served += (await world["eu-west"].Client.ModelInferAsync(
                    TestWorld.Ask("ocr"), TestWorld.Class("eu-personal"))).Id == "id-1" ? 1 : 0;
            }
            catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable or StatusCode.ResourceExhausted)
            {
                // Refused rather than sent elsewhere.
            }
        Assert.True(served > 0, $"seed {seed}: nothing was served");
        Assert.True(far.Reached == 0, $"seed {seed}: {far.Reached} requests left the allowed region");
    }

    [Fact]
    public async Task ModelInfer_Deadline_ReachesTheNodeLessTheWayBack()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"],
            settings: new() { ["Routing:Deadlines:AllowanceMin"] = "00:00:02",
                ["Routing:Deadlines:AllowanceMax"] = "00:00:02" });
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"), deadline: DateTime.UtcNow.AddSeconds(20));

        Assert.True(Lepton.Routing.Gateway.GrpcTimeout.TryParse(Assert.Single(node.Timeouts), out TimeSpan given));
        Assert.InRange(given.TotalSeconds, 8, 18.001);
    }
}
