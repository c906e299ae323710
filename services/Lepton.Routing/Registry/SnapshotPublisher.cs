using System.Collections.Concurrent;
using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Regions;

namespace Lepton.Routing.Registry;

/// <summary>
/// Publishes snapshots: at once when what may serve has changed, else four times a second with the latest loads. Also
/// the clock of registry and regions.
/// </summary>
internal sealed partial class SnapshotPublisher : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    private readonly Topology _topology;
    private readonly NodeRegistry _nodes;
    private readonly RegionTable _regions;
    private readonly HealthMonitor _health;
    private readonly OutlierWatch _outliers;
    private readonly RoutingMetrics _metrics;
    private readonly ILogger<SnapshotPublisher> _logger;
    private readonly TimeProvider _time;
    private int _healthChanged;
    private readonly ConcurrentDictionary<string, Turn> _turns = new();
    private readonly Lock _publishing = new();
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong _version;
    private volatile RegistrySnapshot _current;

    public SnapshotPublisher(
        Topology topology, NodeRegistry nodes, RegionTable regions, HealthMonitor health, RoutingMetrics metrics,
        TimeProvider time, ILogger<SnapshotPublisher> logger)
    {
        (_topology, _nodes, _regions, _health, _time) = (topology, nodes, regions, health, time);
        (_outliers, _metrics, _logger) = (new OutlierWatch(health), metrics, logger);
        _current = new RegistrySnapshot(0, topology, [], [], _turns);
        nodes.Changed += Publish;
        regions.Changed += Publish;
        health.Changed += OnHealthChanged;
        Publish();
    }

    public RegistrySnapshot Current => _current;

    /// <summary>Completes when a change of what may serve has been published.</summary>
    public Task Changed => Volatile.Read(ref _next).Task;

    /// <summary>Builds the view anew and has what waits for a change go on.</summary>
    public void Publish()
    {
        Build();
        Interlocked.Exchange(ref _next, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    public override void Dispose()
    {
        _nodes.Changed -= Publish;
        _regions.Changed -= Publish;
        _health.Changed -= OnHealthChanged;
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(Period, _time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (_health.Pauses.Tick() is { } pause)
            {
                _metrics.Pauses.Add(pause.TotalSeconds);
                LogPaused(pause.TotalSeconds);
            }
            _nodes.Sweep();
            _regions.Sweep();
            _outliers.Look(_current);
            Build();
        }
    }

    // A place that was ejected must leave the views before the next request, not up to a period later. A thousand
    // that die at once are one new snapshot, or two, made beside the requests that found out.
    private void OnHealthChanged(PlaceHealth place, Lane? lane, HealthChange change)
    {
        if (Interlocked.Exchange(ref _healthChanged, 1) == 0)
            ThreadPool.UnsafeQueueUserWorkItem(static publisher =>
            {
                Interlocked.Exchange(ref publisher._healthChanged, 0);
                publisher.Publish();
            }, this, preferLocal: false);
    }

    private void Build()
    {
        // One at a time, so that an older view never replaces a newer one.
        lock (_publishing)
            _current = new RegistrySnapshot(++_version, _topology, _nodes.Nodes(), _regions.Regions(), _turns)
            {
                Options = _health.Options,
            };
    }

    [LoggerMessage(LogLevel.Warning, "This process did not run for {Seconds} s: nobody is judged by his silence in it")]
    private partial void LogPaused(double seconds);
}
