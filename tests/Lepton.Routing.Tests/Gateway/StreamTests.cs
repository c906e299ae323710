using Grpc.Core;
using Lepton.Routing.Tests.World;
using Lepton.ServiceDefaults;
using OpenInference;

namespace Lepton.Routing.Tests.Gateway;

public sealed class StreamTests
{
    [Fact]
    public async Task ModelStreamInfer_ManyMessages_AreAnsweredAsTheyCome()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        using var call = world["eu-west"].Client.ModelStreamInfer(TestWorld.Class("eu-personal"));
        for (int i = 0; i < 20; i++)
        {
            ModelInferRequest request = TestWorld.Ask("ocr", i * 10_000);
            request.Id = $"m{i}";
            await call.RequestStream.WriteAsync(request);
            // Each is answered before the next is sent: nothing waits for the stream's end.
            Assert.True(await call.ResponseStream.MoveNext());
            Assert.Equal($"m{i}", call.ResponseStream.Current.InferResponse.Id);
        }
        Assert.Equal(1, world["eu-west"].Outstanding());
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
        Assert.Equal("node-a", call.GetTrailers().GetValue("x-lepton-node"));
        Assert.Equal(0, world["eu-west"].Outstanding());
        Assert.Single(node.Assertions);
    }

    [Fact]
    public async Task ModelStreamInfer_OtherModelOfAStricterClass_EndsTheStream()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr", "xray");
        int served = 0;
        node.Infer = (request, _) =>
        {
            Interlocked.Increment(ref served);
            return Task.FromResult(new ModelInferResponse { ModelName = request.ModelName });
        };
        using var call = world["eu-west"].Client.ModelStreamInfer();
        await call.RequestStream.WriteAsync(TestWorld.Ask("ocr"));
        Assert.True(await call.ResponseStream.MoveNext());
        await call.RequestStream.WriteAsync(TestWorld.Ask("other-model-of-the-same-class"));
        Assert.True(await call.ResponseStream.MoveNext());
        await call.RequestStream.WriteAsync(TestWorld.Ask("xray"));

        RpcException e = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());
        Assert.Equal((StatusCode.FailedPrecondition, "GATEWAY_NOT_ALLOWED"), (e.StatusCode, RpcErrors.ReasonOf(e)));
        Assert.Equal(2, served);
        await world["eu-west"].UntilAsync(_ => world["eu-west"].Outstanding() == 0, "nothing is under way");
    }

    [Fact]
    public async Task ModelStreamInfer_Cancel_ReachesTheNode()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        TaskCompletionSource cancelled = new();
        node.Infer = async (_, context) =>
        {
            await using var registration = context.CancellationToken.Register(() => cancelled.TrySetResult());
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return new ModelInferResponse();
        };
        using (var call = world["eu-west"].Client.ModelStreamInfer())
        {
            await call.RequestStream.WriteAsync(TestWorld.Ask("ocr"));
            await world["eu-west"].UntilAsync(_ => node.Served == 1, "the node works");
        }
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10));
        await world["eu-west"].UntilAsync(_ => world["eu-west"].Outstanding() == 0, "nothing is under way");
    }

    [Fact]
    public async Task ModelStreamInfer_NodeDeadBeforeTheSecondMessage_GoesToAnother()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode[] nodes =
        [
            await world.AddNodeAsync("eu-west", "node-a", "ocr"), await world.AddNodeAsync("eu-west", "node-b", "ocr"),
        ];
        TaskCompletionSource<FakeNode> first = new();
        foreach (FakeNode node in nodes)
            node.Infer = async (_, context) =>
            {
                if (first.TrySetResult(node))
                    await Task.Delay(Timeout.Infinite, context.CancellationToken);
                return new ModelInferResponse { ModelName = node.Id };
            };
        using var call = world["eu-west"].Client.ModelStreamInfer();
        await call.RequestStream.WriteAsync(TestWorld.Ask("ocr"));
        FakeNode dead = await first.Task;
        await dead.KillAsync();
        Assert.True(await call.ResponseStream.MoveNext());
        Assert.NotEqual(dead.Id, call.ResponseStream.Current.InferResponse.ModelName);
        await call.RequestStream.WriteAsync(TestWorld.Ask("ocr"));
        Assert.True(await call.ResponseStream.MoveNext());
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
    }
}
