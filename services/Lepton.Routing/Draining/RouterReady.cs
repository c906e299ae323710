using Lepton.Routing.Registry;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Draining;

/// <summary>
/// Ready: not leaving, and some node has reported, or the router has waited for one long enough. A router that was
/// just started would refuse what its sibling serves.
/// </summary>
internal sealed class RouterReady(
    RouterDrain drain, SnapshotPublisher snapshots, IOptions<RoutingOptions> options, TimeProvider time) : IHealthCheck
{
    private readonly long _startedAt = time.GetTimestamp();

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
            drain.IsOn ? HealthCheckResult.Unhealthy("draining")
            : snapshots.Current.Nodes.Any(n => n.MayServe)
                || time.GetElapsedTime(_startedAt) >= options.Value.Drain.StartTime ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy("no node has reported yet"));
}
