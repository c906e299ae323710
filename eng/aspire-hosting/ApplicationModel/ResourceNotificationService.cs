using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Holds the newest snapshot of every instance of every resource and tells watchers of changes.</summary>
public class ResourceNotificationService : IDisposable
{
    private readonly ConcurrentDictionary<string, ResourceEvent> current = new(StringComparer.OrdinalIgnoreCase);
    private readonly Lock gate = new();
    private readonly CancellationTokenSource disposed = new();
    private readonly CancellationToken stopping;
    private readonly IServiceProvider services;
    private readonly ResourceLoggerService loggers;
    private Channel<ResourceEvent>[] watchers = [];

    public ResourceNotificationService(
        ILogger<ResourceNotificationService> logger,
        IHostApplicationLifetime hostApplicationLifetime,
        IServiceProvider serviceProvider,
        ResourceLoggerService resourceLoggerService)
    {
        _ = logger;
        services = serviceProvider;
        loggers = resourceLoggerService;
        stopping = hostApplicationLifetime.ApplicationStopping;
    }

    public Task PublishUpdateAsync(
        IResource resource, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        foreach (string id in ResourceInstances.Of(resource))
            Publish(resource, id, stateFactory);
        return Task.CompletedTask;
    }

    public Task PublishUpdateAsync(
        IResource resource, string resourceId, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        Publish(resource, resourceId, stateFactory);
        return Task.CompletedTask;
    }

    public bool TryGetCurrentState(string resourceId, [NotNullWhen(true)] out ResourceEvent? resourceEvent)
        => current.TryGetValue(resourceId, out resourceEvent);

    /// <summary>Every instance's present snapshot first, then each change, until cancelled.</summary>
    public async IAsyncEnumerable<ResourceEvent> WatchAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        // Snapshots supersede each other, yet each state must be seen (a short life is Running, then Finished):
        // so every change is queued, and a watcher is expected to read.
        var channel = Channel.CreateUnbounded<ResourceEvent>(new() { SingleReader = true });
        lock (gate)
        {
            foreach (ResourceEvent known in current.Values)
                channel.Writer.TryWrite(known);
            watchers = [.. watchers, channel];
        }

        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, disposed.Token);
            await foreach (ResourceEvent change in channel.Reader.ReadAllAsync(stop.Token).ConfigureAwait(false))
                yield return change;
        }
        finally
        {
            lock (gate)
                watchers = [.. watchers.Where(w => w != channel)];
        }
    }

    public async Task WaitForResourceAsync(
        string resourceName, string? targetState = null, CancellationToken cancellationToken = default)
        => await WaitForResourceAsync(
            resourceName, [targetState ?? KnownResourceStates.Running], cancellationToken).ConfigureAwait(false);

    public async Task<string> WaitForResourceAsync(
        string resourceName, IEnumerable<string> targetStates, CancellationToken cancellationToken = default)
    {
        string[] wanted = [.. targetStates];
        ResourceEvent found = await WaitForResourceAsync(
            resourceName, e => wanted.Contains(e.Snapshot.State?.Text), cancellationToken).ConfigureAwait(false);
        return found.Snapshot.State?.Text ?? "";
    }

    public async Task<ResourceEvent> WaitForResourceAsync(
        string resourceName, Func<ResourceEvent, bool> predicate, CancellationToken cancellationToken = default)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        await foreach (ResourceEvent change in WatchAsync(stop.Token).ConfigureAwait(false))
        {
            if (string.Equals(change.Resource.Name, resourceName, StringComparison.OrdinalIgnoreCase)
                && predicate(change))
                return change;
        }

        throw new OperationCanceledException($"The operation was cancelled before '{resourceName}' was as expected.");
    }

    public Task<ResourceEvent> WaitForResourceHealthyAsync(
        string resourceName, CancellationToken cancellationToken = default)
        => WaitForResourceHealthyAsync(resourceName, WaitBehavior.WaitOnResourceUnavailable, cancellationToken);

    public async Task<ResourceEvent> WaitForResourceHealthyAsync(
        string resourceName, WaitBehavior waitBehavior, CancellationToken cancellationToken = default)
    {
        bool Ended(ResourceEvent e) => waitBehavior == WaitBehavior.StopOnResourceUnavailable
            && KnownResourceStates.TerminalStates.Contains(e.Snapshot.State?.Text);
        ResourceEvent found = await WaitForResourceAsync(
            resourceName,
            e => e.Snapshot.HealthStatus == HealthStatus.Healthy || Ended(e),
            cancellationToken).ConfigureAwait(false);
        return found.Snapshot.HealthStatus == HealthStatus.Healthy
            ? found
            : throw new DistributedApplicationException(
                $"Stopped waiting for resource '{resourceName}' to become healthy because it failed to start.");
    }

    /// <summary>Waits for all that the resource was told to wait for, in state Waiting meanwhile.</summary>
    public Task WaitForDependenciesAsync(IResource resource, CancellationToken cancellationToken)
        => new Running.DependencyWaiter(this, loggers, services).WaitAsync(resource, cancellationToken);

    public void Dispose()
    {
        disposed.Cancel();
        GC.SuppressFinalize(this);
    }

    private void Publish(
        IResource resource, string resourceId, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        lock (gate)
        {
            CustomResourceSnapshot before = current.TryGetValue(resourceId, out ResourceEvent? known)
                ? known.Snapshot
                : ResourceInstances.InitialSnapshot(resource);
            CustomResourceSnapshot after = stateFactory(before);
            if (known is not null && after == before)
                return;
            var change = new ResourceEvent(resource, resourceId, after);
            current[resourceId] = change;
            foreach (Channel<ResourceEvent> watcher in watchers)
                watcher.Writer.TryWrite(change);
        }
    }
}
