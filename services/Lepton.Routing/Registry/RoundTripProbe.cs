using Grpc.Core;
using Grpc.Health.V1;
using Lepton.Routing.Gateway;

namespace Lepton.Routing.Registry;

/// <summary>Measures the round trip to every node by the smallest call there is, every 5 s.</summary>
internal sealed partial class RoundTripProbe(
    SnapshotPublisher snapshots, NodeRegistry registry, Topology topology, PeerPool peers, TimeProvider time,
    ILogger<RoundTripProbe> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2);
    private const int AtOnceMax = 32;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            Task change = snapshots.Changed;
            ParallelOptions bounds = new() { MaxDegreeOfParallelism = AtOnceMax, CancellationToken = stoppingToken };
            try
            {
                await Parallel.ForEachAsync(snapshots.Current.Nodes.Where(n => n.MayServe), bounds, ProbeAsync);
                await Task.Delay(Period / 10, time, stoppingToken); // a burst of changes is one probe
                await Task.WhenAny(change, Task.Delay(Period, time, stoppingToken));
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async ValueTask ProbeAsync(NodeView node, CancellationToken stopping)
    {
        Grpc.Health.V1.Health.HealthClient client = new(peers.Channel(Peer.Node(topology.Own, node.Url)));
        try
        {
            // Twice where nothing is known: the first call pays for the connection.
            for (int i = node.RoundTripSeconds > 0 ? 1 : 0; i < 2; i++)
            {
                long start = time.GetTimestamp();
                await client.CheckAsync(new HealthCheckRequest(),
                    deadline: time.GetUtcNow().UtcDateTime + Deadline, cancellationToken: stopping);
                if (i == 1)
                    registry.Measured(node.Id, time.GetElapsedTime(start));
            }
        }
        catch (RpcException e)
        {
            // Not a verdict on the node: its stream and the requests themselves say whether it lives.
            LogUnmeasured(node.Id, e.StatusCode);
        }
    }

    [LoggerMessage(LogLevel.Debug, "No round trip to node {Node}: {Status}")]
    private partial void LogUnmeasured(string node, StatusCode status);
}
