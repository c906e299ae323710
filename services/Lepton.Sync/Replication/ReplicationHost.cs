using Lepton.Sync.Replication.Capture;
using Lepton.Sync.Replication.Receiver;
using Lepton.Sync.Replication.Spooling;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Lepton.Sync.Replication;

/// <summary>
/// Runs replication for as long as the process does: capture and spool, the watch over the log, the receivers. Start it
/// after the tables are there and the map is known.
/// </summary>
/// <param name="services">Its parts are made when it starts: they stand on the map.</param>
internal sealed class ReplicationHost(IServiceProvider services) : IHostedService, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await services.GetRequiredService<Spool>().OpenAsync(cancellationToken);
        _running = Task.WhenAll(
            services.GetRequiredService<CapturePump>().RunAsync(_stop.Token),
            services.GetRequiredService<WalRetention>().RunAsync(_stop.Token),
            services.GetRequiredService<ReplicationReceivers>().RunAsync(_stop.Token));
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _running;
    }

    public void Dispose() => _stop.Dispose();
}

/// <summary>Degraded while rows that came damaged are put aside: an operator must look.</summary>
internal sealed class QuarantineCheck(Quarantine quarantine) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        quarantine.Count == 0
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded($"{quarantine.Count} rows came damaged again and again and are put aside."));
}
