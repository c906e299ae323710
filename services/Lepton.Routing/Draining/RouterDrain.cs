namespace Lepton.Routing.Draining;

/// <summary>
/// How far this router has left service. Who serves long calls looks at its own token: <see cref="Closing"/> ends what
/// clients hold open, <see cref="Ending"/> what nodes and routers do, without which no call could be served to its end.
/// </summary>
internal sealed class RouterDrain : IDisposable
{
    private readonly CancellationTokenSource _closing = new(), _ending = new();
    private volatile bool _on;

    /// <summary>The router was told to stop: it still serves, and tells everyone to turn away.</summary>
    public bool IsOn => _on;

    /// <summary>Streams of clients end: what was asked is answered, nothing more is read.</summary>
    public CancellationToken Closing => _closing.Token;

    /// <summary>No call is under way any more, or its time is up.</summary>
    public CancellationToken Ending => _ending.Token;

    public void Begin() => _on = true;

    public Task CloseAsync() => _closing.CancelAsync();

    public Task EndAsync() => _ending.CancelAsync();

    public void Dispose()
    {
        _closing.Dispose();
        _ending.Dispose();
    }
}
