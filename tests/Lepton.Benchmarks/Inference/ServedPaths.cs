using System.Diagnostics;
using Google.Protobuf;
using Lepton.Inference.Execution;
using Lepton.Inference.Tensors;
using OpenInference;

namespace Lepton.Benchmarks.Inference;

/// <summary>
/// The service's own way to the model, without the network: validation, queue, instance thread, statistics.
/// </summary>
internal sealed class ExecutionPath(BenchNode node, ModelLoad load)
{
    private readonly ServedModel _model = node.Repository.Find(load.Model, "");
    private readonly byte[] _bytes = load.Bytes();

    public Task<Rate> RunAsync(TimeSpan time) => Measured.RunAsync(time, load.Concurrency, async () =>
    {
        var outputs = await _model.InferAsync(new InferenceCall
        {
            Inputs = [Tensor.Of(load.Input, TensorType.Fp32, load.Shape, _bytes)],
        });
        foreach (var output in outputs)
            output.Dispose();
    });
}

/// <summary>
/// As a router calls it: gRPC over mutual TLS on loopback, a fresh hop assertion each call, raw contents both ways.
/// </summary>
internal sealed class GrpcPath(BenchNode node, ModelLoad load)
{
    private readonly ByteString _bytes = ByteString.CopyFrom(load.Bytes());

    public Task<Rate> RunAsync(TimeSpan time) => Measured.RunAsync(time, load.Concurrency, async () =>
    {
        var request = new ModelInferRequest
        {
            ModelName = load.Model,
            Inputs = { new ModelInferRequest.Types.InferInputTensor { Name = load.Input, Datatype = "FP32", Shape =
                { load.Shape } } },
            RawInputContents = { _bytes },
        };
        await node.InferAsync(request);
    });
}

internal static class Measured
{
    /// <summary>Calls from some workers until the time is over; calls that began count, to their end.</summary>
    public static async Task<Rate> RunAsync(TimeSpan time, int concurrency, Func<Task> call)
    {
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var watch = Stopwatch.StartNew();
        var counts = await Task.WhenAll(Enumerable.Range(0, concurrency).Select(_ => Task.Run(async () =>
        {
            var count = 0;
            for (; watch.Elapsed < time; count++)
                await call();
            return count;
        })));
        var seconds = watch.Elapsed.TotalSeconds;
        var calls = counts.Sum();
        return new Rate(calls / seconds, (GC.GetTotalAllocatedBytes(precise: true) - allocated) / (double)calls);
    }
}
