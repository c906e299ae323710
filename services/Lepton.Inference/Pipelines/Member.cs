using Lepton.Inference.Execution;
using Lepton.Inference.Tensors;
using Lepton.Inference.V1;

namespace Lepton.Inference.Pipelines;

/// <summary>
/// A model that a pipeline calls, by name: each call takes the version that serves now, through that model's own queue,
/// so that a pipeline's work and direct requests share its instances fairly.
/// </summary>
internal sealed class Member(string name, Func<string, ServedModel?> find)
{
    public string Name => name;

    public bool IsReady => find(name) is not null;

    /// <summary>Empty while the model is not ready.</summary>
    public string Provider => find(name)?.Provider ?? "";

    public string InputName => Now().Inputs[0].Name;

    /// <summary>
    /// Runs on one input and gives the first output; the caller disposes it. The pipeline's own thread waits.
    /// </summary>
    public Tensor Run(Tensor input, InferenceCall within)
    {
        while (true)
        {
            var model = Now();
            try
            {
                var call = within with { Inputs = [input], Outputs = [model.Outputs[0].Name] };
                return model.InferAsync(call).GetAwaiter().GetResult()[0];
            }
            catch (InferenceRefusal refusal) when (model.IsRetired && refusal.Reason == ErrorReason.ModelNotReady)
            {
                // Reloaded in this very moment: the next look finds its successor, or none and says so.
            }
        }
    }

    private ServedModel Now() => find(name) ?? throw new InferenceRefusal(
        ErrorReason.ModelNotReady, $"model '{name}', which this pipeline calls, is not ready");
}
