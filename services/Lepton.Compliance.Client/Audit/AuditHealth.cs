using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Client.Audit;

/// <summary>
/// Degraded while events wait and the log does not answer; when nothing can be kept, what the registration says
/// (Unhealthy, but Degraded where public work goes on without an event).
/// </summary>
internal sealed class AuditHealth(Spool spool, AuditSender sender, IOptions<AuditOptions> options) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        spool.Probe();
        return Task.FromResult(
            spool.Fault is { } fault
                ? new HealthCheckResult(context.Registration.FailureStatus, $"Audit events cannot be kept: {fault}")
            : sender.Silence is var silence && silence > options.Value.SilenceWarning
                ? HealthCheckResult.Degraded(
                    $"Audit events have waited for {silence.TotalSeconds:0} s without an answer of the log.")
            : HealthCheckResult.Healthy());
    }
}
