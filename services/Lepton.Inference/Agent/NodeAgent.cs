using Lepton.Inference.Repository;
using Lepton.Inference.Serving;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Inference.Agent;

/// <summary>
/// The node's life: loads its models, reports to every router of its region, and on SIGTERM says so, finishes what it
/// has and goes.
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
    private readonly InferenceOptions _options = options.Value;
    private readonly ReportPace _pace = new(TimeSpan.FromMilliseconds(options.Value.ReportIntervalMilliseconds), time);
    private readonly CancellationTokenSource _stop = new();
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
        _links = Task.WhenAll(_options.Routers.Select(router => Link(new Uri(router)).RunAsync(_stop.Token)));
        _loading = LoadAsync();
        return Task.CompletedTask;
    }

    /// <summary>
    /// Runs before the server stops listening: routers hear of it first, then the work under way ends.
    /// </summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        draining.Begin();
        _pace.Changed();
        var until = time.GetTimestamp();
        Draining(_options.DrainSeconds);
        var poll = TimeSpan.FromMilliseconds(50);
        // At least a moment, so that the report arrives and what was on its way here is still taken or refused
        // properly.
        await Task.Delay(TimeSpan.FromMilliseconds(200), time, CancellationToken.None);
        while (Busy() > 0 && time.GetElapsedTime(until).TotalSeconds < _options.DrainSeconds
            && !cancellationToken.IsCancellationRequested)
            await Task.Delay(poll, time, CancellationToken.None);
        var left = Busy();
        Drained(left);
    }

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
        reports, _pace, time, new Random(HashCode.Combine(_options.Node, router)), logger);

    private int Busy() => repository.Versions.Sum(
        version => version.Served is { } served ? served.Running + served.Queued : 0);

    [LoggerMessage(Level = LogLevel.Information, Message =
        "Draining: no new work, {Seconds} s at most for what is under way")]
    private partial void Draining(int seconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "Drained, {Busy} requests left behind")]
    private partial void Drained(int busy);
}
