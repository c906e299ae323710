using System.Globalization;
using Lepton.Inference.Execution;
using Lepton.Inference.Repository;
using Lepton.Inference.Tensors;
using OpenInference;

namespace Lepton.Benchmarks.Balance.Real;

/// <summary>
/// Models that sleep: parameter <c>mean_milliseconds</c> is the node's own, the request says how much of it. Everything
/// around them is the real node's: slots, queue, refusals, reports, trailers.
/// </summary>
internal sealed class SleepBackend : IModelBackend
{
    public const string Mean = "mean_milliseconds";
    public const string Index = "node_index";

    public string Name => "sleep";

    public IModel Open(ModelFolder folder, ModelConfig config, long version) => new SleepModel(
        double.Parse(config.Parameters[Mean].StringValue, CultureInfo.InvariantCulture),
        int.Parse(config.Parameters[Index].StringValue, CultureInfo.InvariantCulture));
}

/// <summary>
/// Sleeps work × mean. Input <c>work</c>: the request's own factor; which node is grey now; how many times slower that
/// one is. So every strategy can be sent the very same requests, and a grey node needs no other channel.
/// </summary>
internal sealed class SleepModel(double meanMilliseconds, int index) : IModel
{
    public const string Input = "work";
    public const int InputLength = 3;

    public IReadOnlyList<TensorSpec> Inputs { get; } = [new(Input, TensorType.Fp32, [InputLength])];

    public IReadOnlyList<TensorSpec> Outputs { get; } = [new("slept_milliseconds", TensorType.Fp32, [1])];

    public string Provider => "cpu";

    public IModelInstance CreateInstance() => new Instance(meanMilliseconds, index, Outputs[0].Name);

    public void Dispose()
    {
        // Nothing is held.
    }

    private sealed class Instance(double mean, int index, string output) : IModelInstance
    {
        private readonly ManualResetEventSlim _abort = new(false, spinCount: 0); // sleep, don't compute

        public Tensor[] Run(InferenceCall call, ExecutionClock clock)
        {
            ReadOnlySpan<float> work = call.Inputs[0].Floats;
            double milliseconds = work[0] * mean * ((int)work[1] == index ? work[2] : 1);
            clock.MarkInputsReady();
            _abort.Reset();
            if (_abort.Wait(TimeSpan.FromMilliseconds(milliseconds), CancellationToken.None))
                throw new OperationCanceledException("The caller gave up.");
            clock.MarkExecuted();
            return [Tensor.Of(output, [1], [(float)milliseconds])];
        }

        public void Abort() => _abort.Set();

        public void Dispose() => _abort.Dispose();
    }
}
