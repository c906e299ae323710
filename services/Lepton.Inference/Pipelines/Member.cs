using Lepton.Inference.Execution;
using Lepton.Inference.Tensors;

namespace Lepton.Inference.Pipelines;

/// <summary>
/// A model that a pipeline calls, by name: each call takes the version that serves now, through that model's own queue,
/// so that a pipeline's work and direct requests share its instances fairly.
/// </summary>
internal sealed class Member(string name, Func<string, ServedModel> find)
{
    public string Name => name;

    public string Provider => find(name).Provider;

    public string InputName => find(name).Inputs[0].Name;

    /// <summary>
    /// Runs on one input and gives the first output; the caller disposes it. The pipeline's own thread waits.
    /// </summary>
    public Tensor Run(Tensor input, InferenceCall within)
    {
        var model = find(name);
        var call = within with { Inputs = [input], Outputs = [model.Outputs[0].Name] };
        return model.InferAsync(call).GetAwaiter().GetResult()[0];
    }
}
