using Lepton.Inference.Tensors;

namespace Lepton.Inference.Execution;

/// <summary>
/// Holds a request's inputs against what the model takes; a refusal names the tensor, what came, what is expected.
/// </summary>
internal sealed class InputCheck(IReadOnlyList<TensorSpec> specs, int maxBatchSize)
{
    public void Validate(IReadOnlyList<Tensor> inputs)
    {
        for (var i = 0; i < inputs.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (inputs[j].Name == inputs[i].Name)
                    throw InferenceRefusal.Input($"inputs[{i}].name", $"input '{inputs[i].Name}' came twice");
            }
            Validate(inputs[i], i);
        }
        if (inputs.Count == specs.Count)
            return;
        var missing = specs.First(spec => inputs.All(input => input.Name != spec.Name));
        throw InferenceRefusal.Input("inputs", $"input '{missing.Name}' is missing: {inputs.Count} inputs came, "
            + $"{specs.Count} are expected ({string.Join(", ", specs.Select(spec => spec.Name))})");
    }

    private void Validate(Tensor input, int index)
    {
        if (specs.FirstOrDefault(s => s.Name == input.Name) is not { } spec)
            throw InferenceRefusal.Input($"inputs[{index}].name", $"the model has no input '{input.Name}'; "
                + $"it has {string.Join(", ", specs.Select(s => s.Name))}");
        if (input.Type != spec.Type && input.Type != spec.AlsoTakes)
            throw InferenceRefusal.Input(
                $"inputs[{index}].datatype", $"input '{input.Name}': datatype {input.Type} came, "
                + $"{spec.Type}{(spec.AlsoTakes is { } other ? $" or {other}" : "")} is expected");
        if (!TensorShape.Fits(input.Shape, spec.Shape))
            throw InferenceRefusal.Input($"inputs[{index}].shape", $"input '{input.Name}': shape "
                + $"{TensorShape.Text(input.Shape)} came, {TensorShape.Text(spec.Shape)} is expected "
                + "(-1 takes any size)");
        if (maxBatchSize > 0 && input.Shape is [var batch, ..] && batch > maxBatchSize)
            throw InferenceRefusal.Input($"inputs[{index}].shape",
                $"input '{input.Name}': a batch of {batch} came, at most {maxBatchSize} is expected");
    }
}
