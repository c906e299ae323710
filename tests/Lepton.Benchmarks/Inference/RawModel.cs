using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace Lepton.Benchmarks.Inference;

/// <summary>The baseline: a loop around ONNX Runtime, one thread, input and names made once.</summary>
internal sealed class RawModel : IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _options = new();
    private readonly OrtValue _input;
    private readonly ModelLoad _load;

    public RawModel(string path, ModelLoad load)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        _session = new InferenceSession(path, options);
        _load = load;
        _input = OrtValue.CreateTensorValueFromMemory(
            MemoryMarshal.Cast<byte, float>(load.Bytes()).ToArray(), load.Shape);
    }

    public Rate Run(TimeSpan time)
    {
        string[] inputs = [_load.Input];
        OrtValue[] values = [_input];
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var watch = Stopwatch.StartNew();
        var calls = 0;
        for (; watch.Elapsed < time; calls++)
        {
            using var outputs = _session.Run(_options, inputs, values, _session.OutputNames);
        }
        var seconds = watch.Elapsed.TotalSeconds;
        return new Rate(calls / seconds, (GC.GetTotalAllocatedBytes(precise: true) - allocated) / (double)calls);
    }

    public void Dispose()
    {
        _input.Dispose();
        _options.Dispose();
        _session.Dispose();
    }
}
