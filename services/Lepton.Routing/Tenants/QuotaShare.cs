using Grpc.Core;
using Lepton.Routing.Gateway;
using Lepton.Routing.Regions;
using Lepton.Routing.V1;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Tenants;

/// <summary>Tells every sibling what this router's tenants used, by one stream each.</summary>
internal sealed partial class QuotaShare(
    Topology topology, TenantQuotas quotas, PeerPool peers, IOptions<RoutingOptions> options, TimeProvider time,
    ILogger<QuotaShare> logger) : BackgroundService
{
    private static readonly TimeSpan RetryMin = TimeSpan.FromMilliseconds(200), RetryMax = TimeSpan.FromSeconds(2);

    private readonly TimeSpan _interval = options.Value.Quotas.ShareInterval;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(topology.Siblings.Select(sibling => KeepAsync(sibling, stoppingToken)));

    private Task KeepAsync(RouterSite sibling, CancellationToken stopping) => RouterStream.KeepAsync(
        () => ShareAsync(sibling, stopping),
        why =>
        {
            if (why is not null)
                LogLost(sibling.Name, why);
        },
        RetryMin, RetryMax, time, stopping);

    private async Task ShareAsync(RouterSite sibling, CancellationToken stopping)
    {
        V1.RegionService.RegionServiceClient client = new(peers.Channel(Peer.Router(sibling.Region, sibling.Url)));
        // A dead sibling is noticed by HTTP/2 pings; it answers once, when the stream ends.
        using var call = client.ShareUse(cancellationToken: stopping);
        using PeriodicTimer timer = new(_interval, time);
        do
            await call.RequestStream.WriteAsync(quotas.Report(), stopping);
        while (!call.ResponseAsync.IsCompleted && await timer.WaitForNextTickAsync(stopping));
        await call;
    }

    [LoggerMessage(LogLevel.Warning, "Tenants' use is not told to {Router} now and will be again: {Why}")]
    private partial void LogLost(string router, string why);
}
