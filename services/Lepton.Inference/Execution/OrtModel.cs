using Lepton.Inference.Tensors;
using Lepton.Inference.V1;
using Microsoft.ML.OnnxRuntime;

namespace Lepton.Inference.Execution;

/// <summary>
/// An ONNX model. Its instances share one session, so weights are held once: a session takes concurrent runs, and with
/// one intra-op thread each run stays on its instance's thread.
/// </summary>
internal sealed class OrtModel : IModel
{
    private readonly InferenceSession _session;
    private readonly long _outputBytesMax;

    public OrtModel(InferenceSession session, string provider, long outputBytesMax)
    {
        (_session, Provider, _outputBytesMax) = (session, provider, outputBytesMax);
        Inputs = Specs(session.InputMetadata, session.InputNames);
        Outputs = Specs(session.OutputMetadata, session.OutputNames);
    }

    public IReadOnlyList<TensorSpec> Inputs { get; }

    public IReadOnlyList<TensorSpec> Outputs { get; }

    public string Provider { get; }

    public IModelInstance CreateInstance() => new OrtInstance(_session, _outputBytesMax);

    public void Dispose() => _session.Dispose();

    private static List<TensorSpec> Specs(
        IReadOnlyDictionary<string, NodeMetadata> metadata, IReadOnlyList<string> names)
    {
        var specs = new List<TensorSpec>(names.Count);
        foreach (var name in names)
        {
            var node = metadata[name];
            if (!node.IsTensor || TensorType.FromElement(node.ElementDataType) is not { } type)
                throw new InferenceRefusal(ErrorReason.ModelLoadFailed,
                    $"'{name}' is a {node.OnnxValueType} of {(node.IsTensor ? node.ElementDataType : "?")}: only dense "
                    + "tensors of the Open Inference Protocol's types can be served");
            specs.Add(new TensorSpec(name, type, Array.ConvertAll(node.Dimensions, d => d < 0 ? -1L : d)));
        }
        return specs;
    }
}

internal sealed class OrtInstance(InferenceSession session, long outputBytesMax) : IModelInstance
{
    private readonly RunOptions _options = new();

    public void Abort() => _options.Terminate = true;

    public void Dispose() => _options.Dispose();

    public Tensor[] Run(InferenceCall call, ExecutionClock clock)
    {
        _options.Terminate = false;
        // An Abort just before the line above would be lost; it always follows the cancellation.
        call.Cancellation.ThrowIfCancellationRequested();
        var names = new string[call.Inputs.Count];
        var values = new OrtValue[names.Length];
        var pins = new System.Buffers.MemoryHandle[names.Length];
        try
        {
            for (var i = 0; i < names.Length; i++)
            {
                names[i] = call.Inputs[i].Name;
                values[i] = OrtTensors.ToOrtValue(call.Inputs[i], out pins[i]);
            }
            clock.MarkInputsReady();
            var results = session.Run(_options, names, values, call.Outputs);
            clock.MarkExecuted();
            return ToTensors(call.Outputs, results);
        }
        catch (OnnxRuntimeException error) when (!call.Cancellation.IsCancellationRequested)
        {
            throw new InferenceRefusal(ErrorReason.ExecutionFailed, "ONNX Runtime failed on this input", inner: error);
        }
        finally
        {
            for (var i = 0; i < values.Length; i++)
            {
                values[i]?.Dispose();
                pins[i].Dispose();
            }
        }
    }

    private Tensor[] ToTensors(IReadOnlyList<string> names, IDisposableReadOnlyCollection<OrtValue> results)
    {
        var bytes = 0L;
        foreach (var value in results)
            bytes += value.GetTensorTypeAndShape().IsString ? 0 : value.GetTensorSizeInBytes();
        if (bytes > outputBytesMax)
        {
            results.Dispose();
            throw new InferenceRefusal(ErrorReason.ExecutionFailed,
                $"the outputs have {bytes} bytes, more than this node's limit of {outputBytesMax}");
        }
        return [.. names.Zip(results, OrtTensors.ToTensor)];
    }
}
