using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Placement;

/// <summary>
/// Ready: a topology is known. Degraded, so still ready: the store has not confirmed it for a while, or something is
/// wrong with it that a person must look at.
/// </summary>
internal sealed class TopologyReady(TopologyWatch watch, IOptions<PlacementOptions> options) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (watch.Known is not { } topology)
            return Task.FromResult(HealthCheckResult.Unhealthy("No topology is known yet."));
        List<string> faults = [];
        if (watch.Trouble is { } trouble)
            faults.Add(trouble);
        if (watch.ConfirmationAge is not { } age)
            faults.Add($"The store has not confirmed epoch {topology.Epoch} since the start.");
        else if (age > options.Value.Topology.ConfirmationAgeMax)
            faults.Add($"The store has not confirmed epoch {topology.Epoch} for {age.TotalSeconds:F0} s.");
        if (watch.Plan is { Outside.Count: > 0 } plan)
            faults.Add("In regions that the residency policy does not allow any more: "
                + string.Join(", ", plan.Outside) + ".");
        return Task.FromResult(faults.Count == 0
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded(string.Join(' ', faults)));
    }
}
