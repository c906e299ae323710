using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Running;

/// <summary>Runs a resource's health checks while it runs, and tells once per life that it is ready.</summary>
internal sealed class ResourceHealth(
    HealthCheckService checks,
    ResourceNotificationService notifications,
    IDistributedApplicationEventing eventing,
    IServiceProvider services,
    TimeProvider clock)
{
    private static readonly TimeSpan UnhealthyPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HealthyPeriod = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan CheckLimit = TimeSpan.FromSeconds(10);

    /// <summary>Watches every resource until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var monitors = new Dictionary<string, (Task Monitor, CancellationTokenSource Stop)>();
        await foreach (ResourceEvent change in notifications.WatchAsync(cancellationToken).ConfigureAwait(false))
        {
            bool runs = change.Snapshot.State?.Text == KnownResourceStates.Running;
            if (runs && !monitors.ContainsKey(change.ResourceId))
            {
                var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                monitors[change.ResourceId] = (MonitorAsync(change.Resource, change.ResourceId, stop.Token), stop);
            }
            else if (!runs && monitors.Remove(change.ResourceId, out var monitor))
            {
                await monitor.Stop.CancelAsync().ConfigureAwait(false);
                await monitor.Monitor.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                monitor.Stop.Dispose();
            }
        }
    }

    public static ImmutableArray<HealthReportSnapshot> NotYetKnown(IResource resource)
        => [.. KeysOf(resource).Select(key => new HealthReportSnapshot(key, null, null, null))];

    private static string[] KeysOf(IResource resource)
        => [.. resource.Annotations.OfType<HealthCheckAnnotation>().Select(h => h.Key)];

    private async Task MonitorAsync(IResource resource, string id, CancellationToken cancellationToken)
    {
        string[] keys = KeysOf(resource);
        bool ready = false;
        while (true)
        {
            if (keys.Length > 0)
            {
                ImmutableArray<HealthReportSnapshot> reports
                    = await CheckAsync(keys, cancellationToken).ConfigureAwait(false);
                await notifications.PublishUpdateAsync(resource, id, s => s with { HealthReports = reports })
                    .ConfigureAwait(false);
            }

            bool healthy = notifications.TryGetCurrentState(id, out ResourceEvent? state)
                && state.Snapshot.HealthStatus == HealthStatus.Healthy;
            if (healthy && !ready)
            {
                ready = true;
                await eventing.PublishAsync(new ResourceReadyEvent(resource, services), cancellationToken)
                    .ConfigureAwait(false);
            }

            if (keys.Length == 0)
                return;
            await Task.Delay(healthy ? HealthyPeriod : UnhealthyPeriod, clock, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<ImmutableArray<HealthReportSnapshot>> CheckAsync(
        string[] keys, CancellationToken cancellationToken)
    {
        DateTime now = clock.GetUtcNow().UtcDateTime;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(CheckLimit);
        try
        {
            HealthReport report = await checks.CheckHealthAsync(r => keys.Contains(r.Name), limit.Token)
                .ConfigureAwait(false);
            return [.. keys.Select(key => report.Entries.TryGetValue(key, out HealthReportEntry entry)
                ? new HealthReportSnapshot(key, entry.Status, entry.Description, entry.Exception?.ToString())
                {
                    LastRunAt = now,
                }
                : new HealthReportSnapshot(
                    key, HealthStatus.Unhealthy, $"No health check is registered with key '{key}'.", null))];
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            string late = $"No answer within {CheckLimit.TotalSeconds} s.";
            return [.. keys.Select(key => new HealthReportSnapshot(key, HealthStatus.Unhealthy, late, null)
            {
                LastRunAt = now,
            })];
        }
    }
}
