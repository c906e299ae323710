using Lepton.Inference.Execution;
using Lepton.Inference.Tensors;

namespace Lepton.Inference.Repository;

/// <summary>Runs a model once on zeros when it is loaded: the first caller should not pay for lazy set-up.</summary>
internal static class WarmUp
{
    // What a dimension of any size is warmed with: an image's side that halves five times, or a signal's length.
    private const int AnySide = 32;
    private const int AnyLength = 512;
    private const long BytesMax = 16 << 20;

    public static void Run(IModel model, TimeProvider time)
    {
        var inputs = model.Inputs.Select(Zeros).OfType<Tensor>().ToArray();
        if (inputs.Length < model.Inputs.Count)
            return;
        using var instance = model.CreateInstance();
        var clock = new ExecutionClock(time);
        clock.Start();
        var call = new InferenceCall { Inputs = inputs, Outputs = [.. model.Outputs.Select(output => output.Name)] };
        try
        {
            foreach (var output in instance.Run(call, clock))
                output.Dispose();
        }
        catch (InferenceRefusal)
        {
            // Zeros of a guessed size are no valid input for every model; such a model warms up with its first caller.
        }
    }

    private static Tensor? Zeros(TensorSpec spec, int index)
    {
        // Sizes that the model leaves open: one for the batch, more for the rest.
        var shape = spec.Shape.Select(
            (size, axis) => size >= 0 ? size : axis == 0 ? 1 : spec.Shape.Length >= 4 ? AnySide : AnyLength).ToArray();
        if (TensorShape.Count(shape, BytesMax) is not { } count || count * Math.Max(spec.Type.Size, 1) > BytesMax)
            return null;
        return spec.Type == TensorType.Bytes
            ? null // a model of strings does something else for each
            : Tensor.Of(spec.Name, spec.Type, shape, new byte[count * spec.Type.Size]);
    }
}
