using Grpc.Core;
using Lepton.Inference.Repository;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.DependencyInjection;
using OpenInference;

namespace Lepton.Inference.Tests;

public sealed class RepositoryTests
{
    private static readonly ModelInferRequest Request = Messages.Request("m", ("x", "FP32", [1], new byte[4]));

    [Fact]
    public async Task LoadAndUnload_WhileServing_LoseNoRequest()
    {
        using var models = new TestRepository().Identity("m", "FP32").Identity("n", "FP32");
        await using var node = await NodeHost.StartAsync(models);
        using var stop = new CancellationTokenSource();
        var served = 0;
        var serving = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await node.InferAsync(Request);
                Interlocked.Increment(ref served);
            }
        })));

        for (var i = 0; i < 20; i++)
        {
            await LoadAsync(node, "m"); // replaces the one that serves
            await UnloadAsync(node, "n");
            await LoadAsync(node, "n");
        }
        await stop.CancelAsync();
        await serving;

        Assert.True(served > 10);
    }

    [Fact]
    public async Task Unload_ThenInfer_IsUnavailableUntilLoadedAgain()
    {
        using var models = new TestRepository().Identity("m", "FP32");
        await using var node = await NodeHost.StartAsync(models);

        await UnloadAsync(node, "m");
        var state = await IndexAsync(node);
        await Messages.RefusedAsync(node.InferAsync(Request), StatusCode.Unavailable, "MODEL_NOT_READY");
        Assert.False((await node.Client.ModelReadyAsync(new() { Name = "m" })).Ready);
        await LoadAsync(node, "m");

        Assert.Equal(["m 1 UNAVAILABLE unloaded"], state);
        Assert.Equal(["m 1 READY "], await IndexAsync(node));
        Assert.Equal("m", (await node.InferAsync(Request)).ModelName);
    }

    [Fact]
    public async Task Load_OfAModelThatDoesNotServe_IsLoadingUntilItIsReady()
    {
        using var models = new TestRepository().Identity("m", "FP32");
        await using var node = await NodeHost.StartAsync(models);
        await UnloadAsync(node, "m");
        var repository = node.Services.GetRequiredService<ModelRepository>();
        var states = new List<ModelState>();
        repository.Changed += () => states.Add(repository.Versions.Single().State);

        await LoadAsync(node, "m");

        Assert.Equal([ModelState.Loading, ModelState.Ready], states);
    }

    [Fact]
    public async Task Load_IdempotentMisspelt_IsRefusedWithWhatItTakes()
    {
        using var models = new TestRepository().Identity(
            "m", "FP32", config: """{"parameters":{"idempotent":{"stringValue":"no"}}}""");
        await using var node = await NodeHost.StartAsync(models);

        var refusal = await Assert.ThrowsAsync<RpcException>(() => LoadAsync(node, "m"));

        Assert.Contains("'idempotent' takes true or false, not 'no'", refusal.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_NewVersionOnDisk_BecomesTheLatest()
    {
        using var models = new TestRepository().Identity("m", "FP32");
        await using var node = await NodeHost.StartAsync(models);
        models.Identity("m", "FP32", version: 12).Identity("m", "FP32", version: 3);

        await LoadAsync(node, "m");
        var latest = await node.InferAsync(Request);
        await LoadAsync(node, "m", """{"name":"m","version_policy":{"all":{}}}""");
        var old = Request.Clone();
        old.ModelVersion = "3";

        Assert.Equal("12", latest.ModelVersion);
        Assert.Equal("3", (await node.InferAsync(old)).ModelVersion);
        Assert.Equal("12", (await node.InferAsync(Request)).ModelVersion);
        Assert.Equal(["1", "3", "12"], (await node.Client.ModelMetadataAsync(new() { Name = "m" })).Versions);
    }

    [Theory]
    [InlineData("""{"name":"other"}""", "named 'other'")]
    [InlineData("""{"nam":"m"}""", "not a ModelConfig")]
    [InlineData("""{"input":[{"name":"x","data_type":"TYPE_INT8","dims":[-1]}]}""", "gives 'x' as")]
    [InlineData("""{"output":[{"name":"z","data_type":"TYPE_FP32","dims":[-1]}]}""", "no such tensor")]
    [InlineData("""{"default_model_filename":"../../../etc/passwd"}""", "is not a file name")]
    [InlineData("""{"backend":"lepton"}""", "parameter 'pipeline' is missing")]
    public async Task Load_WrongConfig_IsRefusedAndTheOldOneServesOn(string config, string message)
    {
        using var models = new TestRepository().Identity("m", "FP32");
        await using var node = await NodeHost.StartAsync(models);

        var error = await Assert.ThrowsAsync<RpcException>(() => LoadAsync(node, "m", config));

        Assert.Equal((StatusCode.InvalidArgument, "MODEL_LOAD_FAILED"), (error.StatusCode, RpcErrors.ReasonOf(error)));
        Assert.Contains(message, error.Status.Detail, StringComparison.Ordinal);
        Assert.Equal("m", (await node.InferAsync(Request)).ModelName);
    }

    [Fact]
    public async Task Start_BrokenModel_IsListedWithTheReasonAndStopsNothing()
    {
        using var models = new TestRepository().Identity("m", "FP32").Add("broken", [1, 2, 3]);
        await using var node = await NodeHost.StartAsync(models);

        var index = await IndexAsync(node);

        Assert.Equal("m", (await node.InferAsync(Request)).ModelName);
        Assert.StartsWith("broken 1 UNAVAILABLE ONNX Runtime can't open it", index[0], StringComparison.Ordinal);
        Assert.DoesNotContain(
            "broken", (await node.Client.RepositoryIndexAsync(new() { Ready = true })).Models.Select(m => m.Name));
    }

    [Theory]
    [InlineData("nobody")]
    [InlineData("../m")]
    [InlineData("")]
    public async Task Load_UnknownOrHostileName_IsNotFound(string name)
    {
        using var models = new TestRepository().Identity("m", "FP32");
        await using var node = await NodeHost.StartAsync(models);

        var error = await Assert.ThrowsAsync<RpcException>(() => LoadAsync(node, name));

        Assert.Equal((StatusCode.NotFound, "MODEL_UNKNOWN"), (error.StatusCode, RpcErrors.ReasonOf(error)));
    }

    [Fact]
    public async Task Unload_PipelineWithDependents_UnloadsItsMembers()
    {
        using var models = new TestRepository().Installed("language-id", "lande");
        await using var node = await NodeHost.StartAsync(models);
        var request = new RepositoryModelUnloadRequest
        {
            ModelName = "language-id",
            Parameters = { ["unload_dependents"] = new ModelRepositoryParameter { BoolParam = true } },
        };

        await node.Client.RepositoryModelUnloadAsync(request, node.Headers("language-id"));

        Assert.Equal(["lande 1 UNAVAILABLE unloaded", "language-id 1 UNAVAILABLE unloaded"], await IndexAsync(node));
    }

    [Fact]
    public async Task Metadata_OfModelAndServer_DescribesThem()
    {
        using var models = new TestRepository().Sum("sum").Installed("language-id", "lande");
        await using var node = await NodeHost.StartAsync(models);

        var model = await node.Client.ModelMetadataAsync(new() { Name = "sum" });
        var pipeline = await node.Client.ModelMetadataAsync(new() { Name = "language-id" });
        var server = await node.Client.ServerMetadataAsync(new());

        Assert.Equal(["a FP32 -1,3", "b FP32 -1,3"],
            model.Inputs.Select(i => $"{i.Name} {i.Datatype} {string.Join(',', i.Shape)}"));
        Assert.Equal(["y", "z"], model.Outputs.Select(o => o.Name));
        Assert.Equal(("onnxruntime_onnx", "ensemble"), (model.Platform, pipeline.Platform));
        Assert.Equal("BYTES", pipeline.Inputs.Single().Datatype);
        Assert.Contains("model_repository", server.Extensions);
        Assert.True((await node.Client.ServerReadyAsync(new())).Ready);
    }

    [Fact]
    public async Task NotOffered_Calls_SayWhy()
    {
        using var models = new TestRepository();
        await using var node = await NodeHost.StartAsync(models);

        await Messages.RefusedAsync(
            node.Client.SystemSharedMemoryStatusAsync(new()), StatusCode.Unimplemented, "FEATURE_NOT_OFFERED");
        await Messages.RefusedAsync(
            node.Client.CudaSharedMemoryRegisterAsync(new()), StatusCode.Unimplemented, "FEATURE_NOT_OFFERED");
        await Messages.RefusedAsync(
            node.Client.TraceSettingAsync(new()), StatusCode.Unimplemented, "FEATURE_NOT_OFFERED");
        var error = await Messages.RefusedAsync(
            node.Client.LogSettingsAsync(new()), StatusCode.Unimplemented, "FEATURE_NOT_OFFERED");
        Assert.Contains("LogSettings is not offered: log levels", error.Status.Detail, StringComparison.Ordinal);
    }

    private static async Task LoadAsync(NodeHost node, string model, string? config = null)
    {
        var request = new RepositoryModelLoadRequest { ModelName = model };
        if (config is not null)
            request.Parameters["config"] = new ModelRepositoryParameter { StringParam = config };
        await node.Client.RepositoryModelLoadAsync(request, node.Headers(model));
    }

    private static async Task UnloadAsync(NodeHost node, string model) =>
        await node.Client.RepositoryModelUnloadAsync(new() { ModelName = model }, node.Headers(model));

    private static async Task<string[]> IndexAsync(NodeHost node) =>
        [.. (await node.Client.RepositoryIndexAsync(new()))
            .Models.Select(m => $"{m.Name} {m.Version} {m.State} {m.Reason}")];
}
