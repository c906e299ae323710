using Lepton.Routing.Regions;
using Lepton.Routing.Registry;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Draining;

/// <summary>
/// A router's way out on SIGTERM. Before the server stops listening: says so (health, summaries to other regions),
/// serves on as a lame duck, then ends clients' streams. While the server closes its connections (GOAWAY): calls under
/// way go on with everything they need, and when the last has ended, nodes and routers are let go too.
/// </summary>
internal sealed partial class RouterExit(
    RouterDrain drain, CallCount calls, SnapshotPublisher snapshots, RegionTable regions,
    IOptions<RoutingOptions> options, TimeProvider time, ILogger<RouterExit> logger) : IHostedLifecycleService
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    // A server that closes its connections at once may cut off the status of a stream that it ended a moment before.
    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(500);

    private Task _ending = Task.CompletedTask;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Runs before the server stops listening.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        TimeSpan lameDuck = options.Value.Drain.LameDuckTime;
        LogDraining(calls.Active, lameDuck.TotalSeconds);
        drain.Begin();
        snapshots.Publish();
        await WaitAsync(() => calls.IsQuiet(lameDuck) && regions.AllTold(), lameDuck, cancellationToken);
        await drain.CloseAsync();
        await WaitAsync(() => false, LastWords, cancellationToken);
        _ending = EndAsync(cancellationToken);
    }

    /// <summary>Runs after the server has closed its connections.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => _ending;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task EndAsync(CancellationToken cancellation)
    {
        // A moment at least: the server says GOAWAY now, and what was sent before that arrived is still taken.
        await WaitAsync(() => false, Poll, cancellation);
        await WaitAsync(() => calls.Active == 0, options.Value.Drain.WorkTime, cancellation);
        LogDrained(calls.Active);
        await drain.EndAsync();
    }

    private async Task WaitAsync(Func<bool> done, TimeSpan most, CancellationToken cancellation)
    {
        long started = time.GetTimestamp();
        while (!done() && time.GetElapsedTime(started) < most && !cancellation.IsCancellationRequested)
            await Task.Delay(Poll, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    [LoggerMessage(LogLevel.Information,
        "Draining with {Calls} calls under way; new ones are taken for {Seconds} s at most")]
    private partial void LogDraining(int calls, double seconds);

    [LoggerMessage(LogLevel.Information, "Drained, {Calls} calls left behind")]
    private partial void LogDrained(int calls);
}
