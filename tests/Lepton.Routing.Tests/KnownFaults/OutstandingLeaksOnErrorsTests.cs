using Grpc.Core;
using Lepton.Routing.Tests.World;
using OpenInference;

namespace Lepton.Routing.Tests.KnownFaults;

/// <summary>
/// Known of others: a count of requests under way that some way out of the proxy does not take back; after a day of
/// errors every node looks busy. (Gateway/OutstandingTests has each end by itself.)
/// </summary>
public sealed class OutstandingLeaksOnErrorsTests
{
    private static readonly StatusCode[] Errors =
        [StatusCode.Internal, StatusCode.Unavailable, StatusCode.InvalidArgument, StatusCode.ResourceExhausted];

    [Fact]
    public async Task ModelInfer_EveryKindOfEndAtOnce_LeavesNothingUnderWay()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode[] nodes =
        [
            await world.AddNodeAsync("eu-west", "node-a", "ocr"), await world.AddNodeAsync("eu-west", "node-b", "ocr"),
            await world.AddNodeAsync("eu-west", "node-c", "ocr"),
        ];
        int served = 0;
        foreach (FakeNode node in nodes)
            node.Infer = async (request, context) =>
            {
                int n = Interlocked.Increment(ref served);
                if (n % 3 == 0)
                    throw new RpcException(new Status(Errors[n / 3 % Errors.Length], "no"));
                if (n % 3 == 1)
                    await Task.Delay(Timeout.Infinite, context.CancellationToken); // a deadline, a cancel, a crash
                return new ModelInferResponse { ModelName = request.ModelName };
            };

        TestRouter router = world["eu-west"];
        Task[] calls = [.. Enumerable.Range(0, 60).Select(i => AskAsync(router, i))];
        await router.UntilAsync(_ => Volatile.Read(ref served) >= 20, "requests are under way");
        await nodes[0].KillAsync();
        await Task.WhenAll(calls);

        await router.UntilAsync(_ => router.Outstanding() == 0, "nothing is under way");
    }

    private static async Task AskAsync(TestRouter router, int i)
    {
        using CancellationTokenSource giveUp = new();
        AsyncUnaryCall<ModelInferResponse> call = router.Client.ModelInferAsync(TestWorld.Ask("ocr"),
            new CallOptions(deadline: DateTime.UtcNow.AddSeconds(2), cancellationToken: giveUp.Token));
        try
        {
            if (i % 5 == 0)
                await giveUp.CancelAsync();
            await call;
        }
        catch (RpcException e)
        {
            Assert.NotEqual(StatusCode.Unknown, e.StatusCode); // every end is one that the gateway foresaw
        }
    }
}
