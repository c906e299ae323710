using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Lepton.Inference.Serving;

/// <summary>
/// How far this node has left service, and the calls that it still has. First it only says so; work is refused when
/// every router knows, so that none is sent here in vain.
/// </summary>
internal sealed class Draining : IDisposable
{
    private readonly CancellationTokenSource _refusing = new();
    private volatile bool _on, _ordered;
    private int _calls;

    /// <summary>Reports and health say that the node leaves.</summary>
    public bool IsOn => _on || _ordered;

    /// <summary>New work is refused, and streams end when what they asked for is answered.</summary>
    public CancellationToken Refusing => _refusing.Token;

    /// <summary>Inference calls under way, from their headers to the last byte of their answer.</summary>
    public int Calls => Volatile.Read(ref _calls);

    public void Begin() => _on = true;

    /// <summary>An operator's order: no new work until it is taken back. The process stays.</summary>
    public void Order(bool drain) => _ordered = drain;

    public Task RefuseAsync() => _refusing.CancelAsync();

    public void Enter() => Interlocked.Increment(ref _calls);

    public void Leave() => Interlocked.Decrement(ref _calls);

    public void Dispose() => _refusing.Dispose();
}

/// <summary>Ready: every model of the start was tried, and the node does not leave.</summary>
internal sealed class ReadyCheck(Repository.ModelRepository repository, Draining draining) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(!repository.Started
            ? HealthCheckResult.Unhealthy("loading models")
            : draining.IsOn ? HealthCheckResult.Unhealthy("draining") : HealthCheckResult.Healthy());
}
