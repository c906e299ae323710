using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Running;

internal sealed partial class DependencyWaiter(
    ResourceNotificationService notifications, ResourceLoggerService loggers, IServiceProvider services)
{
    // Without a dashboard nobody could start what a resource waits for, so waiting on would be for ever.
    private readonly WaitBehavior defaultBehavior
        = services.GetService<DistributedApplicationOptions>() is { DisableDashboard: true }
            ? WaitBehavior.StopOnResourceUnavailable
            : WaitBehavior.WaitOnResourceUnavailable;

    public async Task WaitAsync(IResource resource, CancellationToken cancellationToken)
    {
        WaitAnnotation[] waits = [.. resource.Annotations.OfType<WaitAnnotation>().Where(w => HasLife(w.Resource))];
        if (waits.Length == 0)
            return;
        await notifications.PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.Waiting })
            .ConfigureAwait(false);
        ILogger logger = loggers.GetLogger(resource);
        await Task.WhenAll(waits.SelectMany(
            w => ResourceInstances.Of(w.Resource).Select(id => WaitAsync(w, id, logger, cancellationToken))))
            .ConfigureAwait(false);
    }

    private static bool HasLife(IResource resource)
        => resource is ProjectResource or ExecutableResource or ContainerResource;

    private async Task WaitAsync(WaitAnnotation wait, string id, ILogger logger, CancellationToken cancellationToken)
    {
        LogWaiting(logger, id, wait.WaitType);
        WaitBehavior behavior = wait.WaitBehavior ?? defaultBehavior;
        ResourceEvent found = await notifications.WaitForResourceAsync(
            wait.Resource.Name,
            e => e.ResourceId == id && (IsReached(wait.WaitType, e.Snapshot)
                || (behavior == WaitBehavior.StopOnResourceUnavailable && HasEnded(e.Snapshot))
                || (wait.WaitType == WaitType.WaitForCompletion && HasEnded(e.Snapshot))),
            cancellationToken).ConfigureAwait(false);
        if (!IsReached(wait.WaitType, found.Snapshot))
            throw new DistributedApplicationException($"Dependency resource '{id}' failed to start.");
        if (wait.WaitType == WaitType.WaitForCompletion && found.Snapshot.ExitCode is { } code && code != wait.ExitCode)
            throw new DistributedApplicationException(
                $"Resource '{id}' has entered the '{found.Snapshot.State?.Text}' state with exit code '{code}', "
                + $"expected '{wait.ExitCode}'.");
        LogDone(logger, id);
    }

    private static bool IsReached(WaitType type, CustomResourceSnapshot snapshot) => type switch
    {
        WaitType.WaitUntilHealthy => snapshot.HealthStatus == HealthStatus.Healthy,
        WaitType.WaitUntilStarted => snapshot.State?.Text == KnownResourceStates.Running,
        _ => HasEnded(snapshot) && snapshot.State?.Text != KnownResourceStates.FailedToStart,
    };

    private static bool HasEnded(CustomResourceSnapshot snapshot)
        => KnownResourceStates.TerminalStates.Contains(snapshot.State?.Text);

    [LoggerMessage(LogLevel.Information, "Waiting for resource '{Id}' ({WaitType}).")]
    private static partial void LogWaiting(ILogger logger, string id, WaitType waitType);

    [LoggerMessage(LogLevel.Information, "Finished waiting for resource '{Id}'.")]
    private static partial void LogDone(ILogger logger, string id);
}
