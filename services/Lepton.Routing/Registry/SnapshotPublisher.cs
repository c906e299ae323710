using System.Collections.Concurrent;
using Lepton.Routing.Balancing;
using Lepton.Routing.Regions;

namespace Lepton.Routing.Registry;

/// <summary>
/// Publishes snapshots: at once when what may serve has changed, else four times a second with the latest loads. Also
/// the clock of registry and regions.
/// </summary>
internal sealed class SnapshotPublisher : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    private readonly Topology _topology;
    private readonly NodeRegistry _nodes;
    private readonly RegionTable _regions;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, Turn> _turns = new();
    private readonly Lock _publishing = new();
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong _version;
    private volatile RegistrySnapshot _current;

    public SnapshotPublisher(Topology topology, NodeRegistry nodes, RegionTable regions, TimeProvider time)
    {
        (_topology, _nodes, _regions, _time) = (topology, nodes, regions, time);
        _current = new RegistrySnapshot(0, topology, [], [], _turns);
        nodes.Changed += Publish;
        regions.Changed += Publish;
        Publish();
    }

    public RegistrySnapshot Current => _current;

    /// <summary>Completes when a change of what may serve has been published.</summary>
    public Task Changed => Volatile.Read(ref _next).Task;

    public override void Dispose()
    {
        _nodes.Changed -= Publish;
        _regions.Changed -= Publish;
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(Period, _time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            _nodes.Sweep();
            _regions.Sweep();
            Build();
        }
    }

    private void Publish()
    {
        Build();
        Interlocked.Exchange(ref _next, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    private void Build()
    {
        // One at a time, so that an older view never replaces a newer one.
        lock (_publishing)
            _current = new RegistrySnapshot(++_version, _topology, _nodes.Nodes(), _regions.Regions(), _turns);
    }
}
