using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Lepton.Sync.Homes;

/// <summary>What is shown of a request's way, once the map is known that it stands on.</summary>
internal sealed class HomeStart(IServiceProvider services, HomeMetrics metrics) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        metrics.Watch(services.GetRequiredService<ReadCache>());
        metrics.WatchLease(services.GetRequiredService<HomeLease>().Count);
        var watches = services.GetRequiredService<RecordWatches>();
        metrics.WatchWatches(() => watches.Open);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>Degraded while this node may not serve slots that it is home of: their writes wait.</summary>
internal sealed class LeaseCheck(IServiceProvider services) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var (held, notHeld) = services.GetRequiredService<HomeLease>().Count();
        return Task.FromResult(notHeld == 0
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded($"{notHeld} of {held + notHeld} slots that this node is home of are not "
                + "served: neither the topology store nor another replica confirms its place, or it took it over just "
                + "now."));
    }
}
