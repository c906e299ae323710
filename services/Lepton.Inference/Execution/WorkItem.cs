using Lepton.Inference.Tensors;

namespace Lepton.Inference.Execution;

/// <summary>A call on its way through a model's queue.</summary>
internal sealed class WorkItem
{
    private readonly TaskCompletionSource<Tensor[]> _completion = new(
        TaskCreationOptions.RunContinuationsAsynchronously);

    public WorkItem(InferenceCall call, ExecutionClock clock)
    {
        (Call, Clock) = (call, clock);
        Node = new LinkedListNode<WorkItem>(this);
    }

    public InferenceCall Call { get; }

    public ExecutionClock Clock { get; }

    /// <summary>Its place in the queue, so that a cancelled item leaves in constant time.</summary>
    public LinkedListNode<WorkItem> Node { get; }

    public Task<Tensor[]> Completion => _completion.Task;

    public void Succeed(Tensor[] outputs) => _completion.SetResult(outputs);

    public void Fail(Exception error) => _completion.SetException(error);

}
