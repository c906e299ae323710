using Grpc.Core;
using Lepton.Inference.Execution;
using Lepton.Inference.Repository;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.DependencyInjection;
using OpenInference;

namespace Lepton.Inference.Tests;

/// <summary>Bounds, priorities, deadlines and cancellation, with a model slow enough to be caught at it.</summary>
public sealed class QueueTests
{
    private const int Side = 512; // some seconds of multiplications

    private static readonly ModelInferRequest Slow =
        Messages.Request("slow", ("x", "FP32", [Side, Side], new byte[Side * Side * 4]));

    private static readonly ModelInferRequest Quick = Messages.Request("slow", ("x", "FP32", [1, 1], new byte[4]));

    [Fact]
    public async Task ModelInfer_QueueFull_IsRefusedWithRetry()
    {
        using var models = new TestRepository().Slow("slow");
        await using var node = await NodeHost.StartAsync(
            models, new() { ["Inference:QueueMax"] = "2", ["Inference:WarmUp"] = "false" });
        using var stop = new CancellationTokenSource();
        var model = Model(node);
        AsyncUnaryCall<ModelInferResponse>[] calls = [node.InferAsync(Slow, cancellation: stop.Token)];
        await UntilAsync(() => model.Running == 1);
        calls = [.. calls, node.InferAsync(Slow, cancellation: stop.Token),
            node.InferAsync(Slow, cancellation: stop.Token)];
        await UntilAsync(() => model.Queued == 2);

        var error = await Messages.RefusedAsync(node.InferAsync(Quick), StatusCode.ResourceExhausted, "QUEUE_FULL");

        Assert.Contains(RpcErrors.DetailsOf(error)!.Details, d => d.Is(Google.Rpc.RetryInfo.Descriptor));
        await stop.CancelAsync();
        foreach (var call in calls)
            Assert.Equal(
                StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(async () => await call)).StatusCode);
        await UntilAsync(() => model is { Running: 0, Queued: 0 });
    }

    [Fact]
    public async Task ModelInfer_CancelledWhileRunning_FreesTheInstance()
    {
        using var models = new TestRepository().Slow("slow");
        await using var node = await NodeHost.StartAsync(models, new() { ["Inference:WarmUp"] = "false" });
        using var stop = new CancellationTokenSource();
        var model = Model(node);
        using var call = node.InferAsync(Slow, cancellation: stop.Token);
        await UntilAsync(() => model.Running == 1);

        await stop.CancelAsync();
        await UntilAsync(() => model.Running == 0);
        var answer = await node.InferAsync(Quick);

        Assert.Equal("slow", answer.ModelName);
        Assert.Equal(1UL, model.Statistics.Snapshot().Fail.Count);
    }

    [Fact]
    public async Task ModelInfer_DeadlinePasses_EndsWaitingAndRunning()
    {
        using var models = new TestRepository().Slow("slow");
        await using var node = await NodeHost.StartAsync(models, new() { ["Inference:WarmUp"] = "false" });
        var model = Model(node);
        var deadline = DateTime.UtcNow.AddMilliseconds(300);
        using var running = node.InferAsync(Slow, deadline: deadline);
        using var waiting = node.InferAsync(Slow, deadline: deadline);

        Assert.Equal(StatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<RpcException>(async () => await running))
            .StatusCode);
        Assert.Equal(StatusCode.DeadlineExceeded, (await Assert.ThrowsAsync<RpcException>(async () => await waiting))
            .StatusCode);
        await UntilAsync(() => model is { Running: 0, Queued: 0 });
    }

    [Fact]
    public async Task ModelInfer_TimeoutParameter_LimitsTheWait()
    {
        using var models = new TestRepository().Slow("slow");
        await using var node = await NodeHost.StartAsync(models, new() { ["Inference:WarmUp"] = "false" });
        using var stop = new CancellationTokenSource();
        using var slow = node.InferAsync(Slow, cancellation: stop.Token);
        await UntilAsync(() => Model(node).Running == 1);
        var impatient = Quick.Clone();
        impatient.Parameters["timeout"] = new InferParameter { Int64Param = 1 }; // a microsecond

        var call = node.InferAsync(impatient);
        await UntilAsync(() => Model(node).Queued == 1);
        await stop.CancelAsync();

        await Messages.RefusedAsync(call, StatusCode.DeadlineExceeded, "DEADLINE_EXCEEDED");
    }

    [Fact]
    public async Task ModelInfer_LargestTimeoutParameter_IsNoTimeout()
    {
        using var models = new TestRepository().Identity("m", "FP32");
        await using var node = await NodeHost.StartAsync(models);
        var request = Messages.Request("m", ("x", "FP32", [1], new byte[4]));
        request.Parameters["timeout"] = new InferParameter { Int64Param = long.MaxValue };

        Assert.Equal("m", (await node.InferAsync(request)).ModelName);
    }

    [Fact]
    public void Take_RealtimeAfterBatch_GoesFirst()
    {
        var queue = new WorkQueue(8);
        var (batch, first, second) = (Item(Priority.Batch), Item(Priority.Realtime), Item(Priority.Realtime));
        foreach (var item in (WorkItem[])[batch, first, second])
            Assert.True(queue.TryAdd(item).Accepted);

        Assert.Equal([first, second, batch], [queue.Take(), queue.Take(), queue.Take()]);
    }

    [Fact]
    public void TryAdd_FullOfBatch_RealtimeTakesTheYoungestPlace()
    {
        var queue = new WorkQueue(2);
        var (old, young) = (Item(Priority.Batch), Item(Priority.Batch));
        queue.TryAdd(old);
        queue.TryAdd(young);

        var batch = queue.TryAdd(Item(Priority.Batch));
        var realtime = queue.TryAdd(Item(Priority.Realtime));
        var second = queue.TryAdd(Item(Priority.Realtime));
        var third = queue.TryAdd(Item(Priority.Realtime));

        Assert.False(batch.Accepted);
        Assert.Equal((true, young), (realtime.Accepted, realtime.Displaced));
        Assert.Equal((true, old), (second.Accepted, second.Displaced));
        Assert.False(third.Accepted);
        Assert.Equal(2, queue.Count);
    }

    [Fact]
    public void Close_WithWork_ServesItThenEnds()
    {
        var queue = new WorkQueue(2);
        var item = Item(Priority.Realtime);
        queue.TryAdd(item);
        queue.Close();

        Assert.True(queue.TryAdd(Item(Priority.Realtime)).IsClosed);
        Assert.Same(item, queue.Take());
        Assert.Null(queue.Take());
    }

    [Fact]
    public void TryRemove_Twice_IsTrueOnce()
    {
        var queue = new WorkQueue(2);
        var item = Item(Priority.Batch);
        queue.TryAdd(item);

        Assert.True(queue.TryRemove(item));
        Assert.False(queue.TryRemove(item));
        Assert.Equal(0, queue.Count);
    }

    private static WorkItem Item(Priority priority) =>
        new(new InferenceCall { Inputs = [], Priority = priority }, new ExecutionClock(TimeProvider.System));

    private static ServedModel Model(NodeHost node) => node.Services.GetRequiredService<ModelRepository>().Find(
        "slow", "");

    /// <summary>Polls a counter that another thread changes; fails after 20 s.</summary>
    internal static async Task UntilAsync(Func<bool> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        var until = DateTime.UtcNow.AddSeconds(20);
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < until, "it did not happen within 20 s");
            await timer.WaitForNextTickAsync();
        }
    }
}
