using Lepton.Inference.Tensors;

namespace Lepton.Inference.Execution;

/// <summary>Something that runs one request at a time, on the thread that it is given.</summary>
internal interface IModelInstance : IDisposable
{
    /// <param name="call">Its inputs are validated, its outputs named.</param>
    /// <param name="clock">Told when the inputs are ready and when the model has run.</param>
    /// <returns>The wanted outputs in the order wanted; the caller disposes them.</returns>
    Tensor[] Run(InferenceCall call, ExecutionClock clock);

    /// <summary>Called from another thread: makes a running <see cref="Run"/> end soon, if it can.</summary>
    void Abort();
}

/// <summary>A loaded model: what it takes and gives, and a maker of instances.</summary>
internal interface IModel : IDisposable
{
    IReadOnlyList<TensorSpec> Inputs { get; }

    IReadOnlyList<TensorSpec> Outputs { get; }

    /// <summary>Takes work now. A pipeline does not while a model that it calls is not ready.</summary>
    bool IsReady => true;

    /// <summary><c>cuda</c> or <c>cpu</c>: what really executes; empty while it is not ready.</summary>
    string Provider { get; }

    IModelInstance CreateInstance();
}
