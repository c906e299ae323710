using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Routing.Draining;
using Lepton.Routing.Gateway;
using Lepton.Routing.Registry;
using Lepton.Routing.V1;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Regions;

/// <summary>
/// Keeps one stream to every router of every other region: our summary every second and on change, theirs in answer.
/// </summary>
internal sealed partial class RegionExchange(
    Topology topology, RegionTable regions, SnapshotPublisher snapshots, RouterDrain drain, PeerPool peers,
    IOptions<RoutingOptions> options, TimeProvider time, ILogger<RegionExchange> logger) : BackgroundService
{
    // An answer may take the longest round trip on earth several times over; beyond that the stream is dead.
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryMin = TimeSpan.FromMilliseconds(250), RetryMax = TimeSpan.FromSeconds(5);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        topology.RemoteRouters.Select(r => KeepAsync(r, stoppingToken)));

    private Task KeepAsync(RouterSite router, CancellationToken stopping) => RouterStream.KeepAsync(
        () => ExchangeAsync(router, stopping),
        why =>
        {
            if (why is not null)
                LogLost(router.Name, why);
            regions.Connected(router, false);
        },
        RetryMin, RetryMax, time, stopping);

    private async Task ExchangeAsync(RouterSite router, CancellationToken stopping)
    {
        V1.RegionService.RegionServiceClient client = new(peers.Channel(Peer.Router(router.Region, router.Url)));
        using CancellationTokenSource watchdog = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        using AsyncDuplexStreamingCall<ExchangeRequest, ExchangeResponse> call =
            client.Exchange(cancellationToken: watchdog.Token);
        ulong sequence = 0, acknowledged = 0;
        long answeredAt = 0;
        while (true)
        {
            Task change = snapshots.Changed;
            watchdog.CancelAfter(AnswerTimeout);
            long sentAt = time.GetTimestamp();
            bool draining = drain.IsOn;
            await call.RequestStream.WriteAsync(new ExchangeRequest
            {
                Summary = SummaryBuilder.Build(topology, snapshots.Current, time.GetUtcNow(), draining),
                Sequence = ++sequence,
                AcknowledgedSequence = acknowledged,
                HoldTime = acknowledged == 0 ? null : time.GetElapsedTime(answeredAt).ToDuration(),
            }, watchdog.Token);
            if (!await call.ResponseStream.MoveNext(watchdog.Token))
                return;
            answeredAt = time.GetTimestamp();
            ExchangeResponse response = call.ResponseStream.Current;
            acknowledged = response.Sequence;
            if (draining)
                regions.Told(router);
            if (response.Summary is { } theirs && theirs.Region == router.Region
                && (theirs.Router.Length == 0 || theirs.Router == router.Name) && regions.Take(router.Region, theirs))
            {
                // The first exchange opens the connection too: it says nothing of the distance.
                if (sequence > 1)
                    regions.Measured(router,
                        time.GetElapsedTime(sentAt, answeredAt) - (response.HoldTime?.ToTimeSpan() ?? default));
                if (sequence <= 2)
                    regions.Connected(router, true);
            }
            watchdog.CancelAfter(Timeout.InfiniteTimeSpan);
            // Measure soon once, then every interval or on change; changes are answered at most 20 times a second.
            await Task.Delay(TimeSpan.FromMilliseconds(50), time, stopping);
            if (sequence > 1)
                await Task.WhenAny(change, Task.Delay(options.Value.ReportInterval, time, stopping));
            stopping.ThrowIfCancellationRequested();
        }
    }

    [LoggerMessage(LogLevel.Warning, "The exchange with {Router} ended and is tried again: {Why}")]
    private partial void LogLost(string router, string why);
}
