using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Lepton.Inference.Serving;

/// <summary>Whether this node leaves service: it finishes what it has and takes no new work.</summary>
internal sealed class Draining
{
    private volatile bool _on;

    public bool IsOn => _on;

    public void Begin() => _on = true;
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
