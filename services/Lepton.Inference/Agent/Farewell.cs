namespace Lepton.Inference.Agent;

/// <summary>
/// Whether one router knows that this node leaves: it has answered a report that says so, or it has no stream to us,
/// and has taken us out for that.
/// </summary>
internal sealed class Farewell
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _connected;
    private ulong? _said;

    /// <summary>Ends when the router knows. Ask after reports began to say it.</summary>
    public Task HeardAsync()
    {
        lock (_lock)
            return _connected ? _heard.Task : Task.CompletedTask;
    }

    public void Sent(ulong sequence, bool leaving)
    {
        lock (_lock)
        {
            _connected = true;
            if (leaving)
                _said ??= sequence;
        }
    }

    public void Answered(ulong sequence)
    {
        lock (_lock)
            if (_said <= sequence)
                _heard.TrySetResult();
    }

    public void Disconnected()
    {
        lock (_lock)
        {
            _connected = false;
            if (_said is not null)
                _heard.TrySetResult();
        }
    }
}
