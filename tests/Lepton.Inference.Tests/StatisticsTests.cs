using OpenInference;

namespace Lepton.Inference.Tests;

public sealed class StatisticsTests
{
    [Fact]
    public async Task ModelStatistics_AfterSuccessesAndFailures_AddUp()
    {
        using var models = new TestRepository().Sum("sum").Identity("other", "FP32");
        await using var node = await NodeHost.StartAsync(models);
        var before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        for (var i = 0; i < 5; i++)
            await node.InferAsync(
                Messages.Request("sum", ("a", "FP32", [1, 3], new byte[12]), ("b", "FP32", [1, 3], new byte[12])));
        await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () =>
            await node.InferAsync(Messages.Request("sum", ("a", "FP32", [1, 3], new byte[12]))));

        var answer = await node.Client.ModelStatisticsAsync(new ModelStatisticsRequest { Name = "sum" });

        var model = Assert.Single(answer.ModelStats);
        var stats = model.InferenceStats;
        Assert.Equal(
            (5UL, 5UL, 5UL, 1UL), (model.InferenceCount, model.ExecutionCount, stats.Success.Count, stats.Fail.Count));
        Assert.Equal([5UL, 5UL, 5UL, 5UL],
            [stats.Queue.Count, stats.ComputeInput.Count, stats.ComputeInfer.Count, stats.ComputeOutput.Count]);
        Assert.True(stats.ComputeInfer.Ns > 0);
        Assert.Equal(
            stats.Success.Ns, stats.Queue.Ns + stats.ComputeInput.Ns + stats.ComputeInfer.Ns + stats.ComputeOutput.Ns);
        Assert.InRange((long)model.LastInference, before, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        Assert.Equal(2, (await node.Client.ModelStatisticsAsync(new ModelStatisticsRequest())).ModelStats.Count);
    }

    [Fact]
    public async Task ModelStatistics_BatchLimit_CountsElements()
    {
        using var models = new TestRepository().Sum("sum");
        var config = Path.Combine(models.Directory, "sum", "config.json");
        File.WriteAllText(config, """{"name":"sum","max_batch_size":8}""");
        await using var node = await NodeHost.StartAsync(models);
        await node.InferAsync(
            Messages.Request("sum", ("a", "FP32", [4, 3], new byte[48]), ("b", "FP32", [4, 3], new byte[48])));

        var model = (await node.Client.ModelStatisticsAsync(new ModelStatisticsRequest { Name = "sum" })).ModelStats[0];
        var read = (await node.Client.ModelConfigAsync(new ModelConfigRequest { Name = "sum" })).Config;

        Assert.Equal((4UL, 1UL), (model.InferenceCount, model.ExecutionCount));
        Assert.Equal([3L], read.Input[0].Dims);
        await Messages.RefusedAsync(node.InferAsync(Messages.Request("sum",
            ("a", "FP32", [9, 3], new byte[108]), ("b", "FP32", [9, 3], new byte[108]))),
            Grpc.Core.StatusCode.InvalidArgument, "INPUT_INVALID");
    }
}
