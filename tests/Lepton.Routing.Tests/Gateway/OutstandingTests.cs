using Grpc.Core;
using Lepton.Routing.Health;
using Lepton.Routing.Tests.World;
using Microsoft.Extensions.DependencyInjection;
using OpenInference;

namespace Lepton.Routing.Tests.Gateway;

/// <summary>The count of requests under way is right after every kind of end.</summary>
public sealed class OutstandingTests
{
    private static readonly ModelInferResponse Answer = new() { ModelName = "ocr" };

    private static async Task EndsWithAsync(
        StatusCode expected, Func<ModelInferRequest, ServerCallContext, Task<ModelInferResponse>> infer,
        Func<TestRouter, FakeNode, Task<ModelInferResponse>> call, int failed)
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        TestRouter router = world["eu-west"];
        int during = -1;
        node.Infer = (request, context) =>
        {
            during = router.Outstanding();
            return infer(request, context);
        };

        StatusCode got = StatusCode.OK;
        try
        {
            await call(router, node);
        }
        catch (RpcException e)
        {
            got = e.StatusCode;
        }

        Assert.Equal(expected, got);
        Assert.Equal(1, during);
        await router.UntilAsync(_ => router.Outstanding() == 0, "nothing is under way");
        // A machine so busy that the router itself stood still blames nobody for silence.
        if (router.Services.GetRequiredService<PauseWatch>().EndedAt != 0)
            failed = (int)router.Snapshot.Nodes.Sum(n => n.Models.Sum(m => m.Lane.Failed));
        // A node that is out keeps its lanes: what it failed stays known.
        Assert.Equal((1, failed), (
            (int)router.Snapshot.Nodes.Sum(n => n.Models.Sum(m => m.Lane.Completed)),
            (int)router.Snapshot.Nodes.Sum(n => n.Models.Sum(m => m.Lane.Failed))));
    }

    private static Task<ModelInferResponse> AskAsync(TestRouter router, CallOptions options) =>
        router.Client.ModelInferAsync(TestWorld.Ask("ocr"), options).ResponseAsync;

    [Fact]
    public Task Outstanding_Success_IsReleased() => EndsWithAsync(StatusCode.OK,
        (_, _) => Task.FromResult(Answer), (router, _) => AskAsync(router, new CallOptions()), failed: 0);

    [Fact]
    public Task Outstanding_CallersError_IsReleased() => EndsWithAsync(StatusCode.InvalidArgument,
        (_, _) => throw new RpcException(new Status(StatusCode.InvalidArgument, "no")),
        (router, _) => AskAsync(router, new CallOptions()), failed: 0);

    [Fact]
    public Task Outstanding_NodesError_IsReleased() => EndsWithAsync(StatusCode.Internal,
        (_, _) => throw new RpcException(new Status(StatusCode.Internal, "no")),
        (router, _) => AskAsync(router, new CallOptions()), failed: 1);

    [Fact]
    public async Task Outstanding_Cancel_IsReleasedAndReachesTheNode()
    {
        TaskCompletionSource started = new(), cancelled = new();
        using CancellationTokenSource giveUp = new();
        await EndsWithAsync(StatusCode.Cancelled, async (_, context) =>
        {
            await using var registration = context.CancellationToken.Register(cancelled.SetResult);
            started.SetResult();
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return Answer;
        }, async (router, _) =>
        {
            Task<ModelInferResponse> call = AskAsync(router, new CallOptions(cancellationToken: giveUp.Token));
            await started.Task;
            await giveUp.CancelAsync();
            return await call;
        }, failed: 0);
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData(0.5, 0)] // the caller was in a hurry
    [InlineData(1.5, 1)] // the node was silent for far longer than it takes
    public async Task Outstanding_Deadline_IsReleasedAndReachesTheNode(double seconds, int failed)
    {
        TaskCompletionSource cancelled = new();
        await EndsWithAsync(StatusCode.DeadlineExceeded, async (_, context) =>
        {
            await using var registration = context.CancellationToken.Register(() => cancelled.TrySetResult());
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return Answer;
        }, (router, _) => AskAsync(router, new CallOptions(deadline: DateTime.UtcNow.AddSeconds(seconds))), failed);
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Outstanding_NodeCrash_IsReleasedAndTheCallFails()
    {
        TaskCompletionSource started = new();
        await EndsWithAsync(StatusCode.Unavailable, async (_, context) =>
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return Answer;
        }, async (router, node) =>
        {
            Task<ModelInferResponse> call = AskAsync(router, new CallOptions());
            await started.Task;
            await node.KillAsync();
            return await call;
        }, failed: 1);
    }

    [Fact]
    public async Task ModelInfer_NodeCrash_IsServedByAnother()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode[] nodes =
        [
            await world.AddNodeAsync("eu-west", "node-a", "ocr"), await world.AddNodeAsync("eu-west", "node-b", "ocr"),
        ];
        TaskCompletionSource<FakeNode> first = new();
        foreach (FakeNode node in nodes)
            node.Infer = async (request, context) =>
            {
                if (first.TrySetResult(node))
                    await Task.Delay(Timeout.Infinite, context.CancellationToken);
                return new ModelInferResponse { ModelName = node.Id };
            };

        using AsyncUnaryCall<ModelInferResponse> call = world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"));
        FakeNode dead = await first.Task;
        await dead.KillAsync();

        Assert.NotEqual(dead.Id, (await call).ModelName);
        string id = call.GetTrailers().GetValue("x-lepton-decision-id")!;
        V1.Decision decision = (
            await world["eu-west"].Routing.ExplainDecisionAsync(new() { DecisionId = id })).Decision;
        Assert.Equal([dead.Id, nodes.Single(n => n != dead).Id], decision.Attempts.Select(a => a.Node));
        // Whichever is heard of first: the connection's end or the report stream's.
        Assert.Contains(decision.Attempts[0].Reason, (string[])["CONNECTION_FAILED", "PLACE_GONE"]);
        await world["eu-west"].UntilAsync(_ => world["eu-west"].Outstanding() == 0, "nothing is under way");
    }
}
