using Lepton.Inference.Repository;
using Lepton.Inference.Serving;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Inference.Agent;

/// <summary>
/// The node's life: loads its models, reports to every router of its region, and on SIGTERM says so, takes work until
/// every router knows, finishes what it has and goes.
/// </summary>
internal sealed partial class NodeAgent(
    ModelRepository repository,
    Draining draining,
    ReportBuilder reports,
    PeerHttp peers,
    TimeProvider time,
    IOptions<ServiceOptions> place,
    IOptions<InferenceOptions> options,
    ILogger<NodeAgent> logger) : IHostedLifecycleService, IDisposable
{
    // A router that has not answered a report for that long has lost us anyway.
    private static readonly TimeSpan FarewellMax = TimeSpan.FromSeconds(3);

    // A server that closes its connections at once may cut off the status of a stream that it ended a moment before.
    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(500);

    // What routers had sent before they knew arrives within a round trip of a region.
    private static readonly TimeSpan OnTheWay = TimeSpan.FromMilliseconds(200);

    private readonly InferenceOptions _options = options.Value;
    private readonly ReportPace _pace = new(TimeSpan.FromMilliseconds(options.Value.ReportIntervalMilliseconds), time);
    private readonly CancellationTokenSource _stop = new();
    private RouterLink[] _routers = [];
    private Task _links = Task.CompletedTask;
    private Task _loading = Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        repository.Changed += _pace.Changed;
        return Task.CompletedTask;
    }

    /// <summary>The server listens: report as starting, then load.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _routers = [.. _options.Routers.Select(router => Link(new Uri(router)))];
        _links = Task.WhenAll(_routers.Select(router => router.RunAsync(_stop.Token)));
        _loading = LoadAsync();
        return Task.CompletedTask;
    }

    /// <summary>
    /// Runs before the server stops listening: routers hear of it first, then new work is refused, then the work under
    /// way ends.
    /// </summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        draining.Begin();
        _pace.Changed();
        LogDraining(draining.Calls, _options.DrainSeconds);
        var started = time.GetTimestamp();
        await Task.WhenAll(_routers.Select(router => router.ToldAsync()))
            .WaitAsync(FarewellMax, time, cancellationToken)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // late or not: the work is the same
        await PauseAsync(OnTheWay, cancellationToken);
        await draining.RefuseAsync();
        while (draining.Calls > 0 && time.GetElapsedTime(started).TotalSeconds < _options.DrainSeconds
            && !cancellationToken.IsCancellationRequested)
            await PauseAsync(TimeSpan.FromMilliseconds(20), cancellationToken);
        LogDrained(draining.Calls);
        await PauseAsync(LastWords, cancellationToken);
    }

    private async Task PauseAsync(TimeSpan pause, CancellationToken cancellation) =>
        await Task.Delay(pause, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        repository.Changed -= _pace.Changed;
        await _stop.CancelAsync();
        await Task.WhenAll(_links, _loading);
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _stop.Dispose();

    private async Task LoadAsync()
    {
        try
        {
            await repository.LoadAllAsync(_stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped while loading.
        }
    }

    private RouterLink Link(Uri router) => new(router, () => peers.CreateChannel(router, "routing", place.Value.Region),
        reports, _pace, Follow, time, new Random(HashCode.Combine(_options.Node, router)), logger);

    /// <summary>The machine will be taken away: no new work from now on, and no order takes that back.</summary>
    public void Interrupt()
    {
        draining.Begin();
        _pace.Changed();
    }

    private void Follow(NodeOrder order)
    {
        draining.Order(order == NodeOrder.Drain);
        LogOrdered(order);
        _pace.Changed();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "An operator's order: {Order}")]
    private partial void LogOrdered(NodeOrder order);

    [LoggerMessage(Level = LogLevel.Information, Message =
        "Draining with {Calls} calls under way, {Seconds} s at most for them")]
    private partial void LogDraining(int calls, int seconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "Drained, {Calls} calls left behind")]
    private partial void LogDrained(int calls);
}
