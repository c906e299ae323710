using Lepton.Inference.Tensors;

namespace Lepton.Inference.Execution;

/// <summary>Real-time work goes before batch work, always (R7).</summary>
internal enum Priority
{
    Realtime,
    Batch,
}

/// <summary>One request to one model.</summary>
internal sealed record InferenceCall
{
    public required IReadOnlyList<Tensor> Inputs { get; init; }

    /// <summary>Names of the outputs wanted; empty: all.</summary>
    public IReadOnlyList<string> Outputs { get; init; } = [];

    public Priority Priority { get; init; }

    /// <summary>Timestamp of the service's TimeProvider after which the request is not started; null: none.</summary>
    public long? DeadlineTimestamp { get; init; }

    /// <summary>Ends the wait in the queue, and the execution itself.</summary>
    public CancellationToken Cancellation { get; init; }
}
