using Lepton.Inference.Repository;
using Lepton.Inference.Tensors;
using Lepton.Inference.V1;
using OpenInference;

namespace Lepton.Inference.Execution;

/// <summary>One version of a model in service: its queue, its instances and what they did.</summary>
internal sealed class ServedModel
{
    private readonly IModel _model;
    private readonly WorkQueue _queue;
    private readonly InstanceThread[] _instances;
    private readonly TimeProvider _time;
    private readonly InferenceMetrics _metrics;
    private readonly InputCheck _check;
    private readonly string[] _outputNames;
    private int _running;

    public ServedModel(
        ModelIdentity identity, ModelConfig config, IModel model, Sizing sizing, ExecutionServices services)
    {
        (Identity, Config, _model) = (identity, config, model);
        (_time, _metrics) = (services.Time, services.Metrics);
        IsIdempotent = Idempotency.Of(config);
        Statistics = new ModelStatistics(_time);
        QueueMax = sizing.QueueMax;
        _queue = new WorkQueue(sizing.QueueMax);
        _check = new InputCheck(model.Inputs, config.MaxBatchSize);
        _outputNames = [.. model.Outputs.Select(output => output.Name)];
        _instances = [.. Enumerable.Range(0, sizing.InstanceCount).Select(index =>
            new InstanceThread(
                $"{identity.Name}/{identity.Version}#{index}", model.CreateInstance(), _queue, Execute))];
    }

    public ModelIdentity Identity { get; }

    public ModelConfig Config { get; }

    /// <summary>A request may run twice.</summary>
    public bool IsIdempotent { get; }

    public IReadOnlyList<TensorSpec> Inputs => _model.Inputs;

    public IReadOnlyList<TensorSpec> Outputs => _model.Outputs;

    public bool IsReady => _model.IsReady;

    /// <summary>It was replaced or unloaded after somebody had found it: whoever holds it looks again.</summary>
    public bool IsRetired => _queue.IsClosed;

    public string Provider => _model.Provider;

    public ModelStatistics Statistics { get; }

    public int InstanceCount => _instances.Length;

    public int QueueMax { get; }

    public int Queued => _queue.Count;

    public int Running => Volatile.Read(ref _running);

    /// <summary>Runs a request; a full queue, a wrong input or an unknown output refuses it.</summary>
    /// <exception cref="InferenceRefusal">With the reason.</exception>
    /// <exception cref="OperationCanceledException">The caller cancelled, waiting or running.</exception>
    public async Task<Tensor[]> InferAsync(InferenceCall call)
    {
        var clock = new ExecutionClock(_time);
        Statistics.Arrived();
        var item = new WorkItem(Prepare(call, clock), clock);
        Enqueue(item);
        using var registration = call.Cancellation.UnsafeRegister(
            static state => (state as CancelState)?.Cancel(), new CancelState(this, item));
        return await item.Completion.ConfigureAwait(false);
    }

    /// <summary>Takes no more work, finishes what it has within the limit, then lets go of the model.</summary>
    /// <returns>False when work was still running at the limit; it is given up.</returns>
    public bool Retire(TimeSpan limit)
    {
        _queue.Close();
        var until = _time.GetTimestamp() + (long)(limit.TotalSeconds * _time.TimestampFrequency);
        foreach (var instance in _instances)
        {
            var left = _time.GetElapsedTime(_time.GetTimestamp(), until);
            if (!instance.Join(left > TimeSpan.Zero ? left : TimeSpan.Zero))
                return false; // the session stays alive for the thread that is inside it
        }
        _model.Dispose();
        return true;
    }

    private InferenceCall Prepare(InferenceCall call, ExecutionClock clock)
    {
        try
        {
            _check.Validate(call.Inputs);
            var outputs = call.Outputs.Count > 0 ? call.Outputs : _outputNames;
            for (var i = 0; i < outputs.Count; i++)
            {
                if (Array.IndexOf(_outputNames, outputs[i]) < 0)
                    throw new InferenceRefusal(ErrorReason.OutputUnknown, $"model '{Identity.Name}' has no output "
                        + $"'{outputs[i]}'; it has {string.Join(", ", _outputNames)}", $"outputs[{i}].name");
            }
            return call with { Outputs = outputs };
        }
        catch (InferenceRefusal)
        {
            Statistics.Failed(clock.Between(clock.Enqueued, _time.GetTimestamp()));
            throw;
        }
    }

    private void Enqueue(WorkItem item)
    {
        var admission = _queue.TryAdd(item);
        if (admission.Displaced is { } displaced)
            Fail(displaced, QueueFull());
        if (admission.Accepted)
            return;
        Statistics.Failed(TimeSpan.Zero);
        throw admission.IsClosed
            ? new InferenceRefusal(ErrorReason.ModelNotReady, $"model '{Identity.Name}' is being unloaded")
            : QueueFull();
    }

    private InferenceRefusal QueueFull() =>
        new(ErrorReason.QueueFull, $"model '{Identity.Name}' has {QueueMax} requests waiting, its limit");

    private void Execute(WorkItem item, IModelInstance instance)
    {
        item.Clock.Start();
        if (Ended(item) is { } error)
        {
            Fail(item, error);
            return;
        }
        Interlocked.Increment(ref _running);
        Tensor[] outputs;
        try
        {
            using var activity = InferenceMetrics.StartExecution(this);
            outputs = instance.Run(item.Call, item.Clock);
            item.Clock.End();
        }
        catch (Exception failure)
        {
            // Whatever a model throws ends this request and no other.
            Interlocked.Decrement(ref _running);
            Fail(item, Ended(item) ?? failure);
            return;
        }
        Interlocked.Decrement(ref _running);
        Statistics.Succeeded(item.Clock, Batch(item.Call));
        _metrics.Executed(this, item.Clock);
        item.Succeed(outputs);
    }

    private void Fail(WorkItem item, Exception error)
    {
        Statistics.Failed(item.Clock.Between(item.Clock.Enqueued, _time.GetTimestamp()));
        item.Fail(error);
    }

    private Exception? Ended(WorkItem item)
    {
        if (item.Call.Cancellation.IsCancellationRequested)
            return new OperationCanceledException(item.Call.Cancellation);
        return item.Call.DeadlineTimestamp is { } deadline && _time.GetTimestamp() >= deadline
            ? new TimeoutException("the request's deadline passed")
            : null;
    }

    private int Batch(InferenceCall call) =>
        Config.MaxBatchSize > 0 && call.Inputs is [{ Shape: [var batch, ..] }, ..] ? (int)batch : 1;

    private sealed class CancelState(ServedModel model, WorkItem item)
    {
        public void Cancel()
        {
            if (model._queue.TryRemove(item))
            {
                model.Fail(item, new OperationCanceledException(item.Call.Cancellation));
                return;
            }
            foreach (var instance in model._instances)
                instance.Abort(item);
        }
    }
}

/// <summary>A model's name and version.</summary>
internal readonly record struct ModelIdentity(string Name, long Version);

/// <summary>How much of a node a model may take.</summary>
internal readonly record struct Sizing(int InstanceCount, int QueueMax);

/// <summary>What every model's execution needs.</summary>
internal sealed record ExecutionServices(TimeProvider Time, InferenceMetrics Metrics);
