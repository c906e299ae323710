using Lepton.Inference.Execution;
using OpenInference;

namespace Lepton.Inference.Repository;

/// <summary>
/// Opens the models whose configuration names it as their <c>backend</c>: beside ONNX Runtime and the pipelines, which
/// are always there. A node has what its program registers.
/// </summary>
internal interface IModelBackend
{
    /// <summary>What <c>backend</c> says in a model's configuration.</summary>
    string Name { get; }

    IModel Open(ModelFolder folder, ModelConfig config, long version);
}
