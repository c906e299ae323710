using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Running;

/// <summary>Starts, stops and restarts instances through DCP. What became of them ProcessWatcher tells.</summary>
internal sealed partial class ProcessRunner(
    DcpSession session,
    AppHost appHost,
    DistributedApplicationExecutionContext context,
    IDistributedApplicationEventing eventing,
    ResourceNotificationService notifications,
    ResourceLoggerService loggers,
    IServiceProvider services)
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, RunningInstance> instances = new(StringComparer.OrdinalIgnoreCase);

    public IReadOnlyCollection<RunningInstance> Instances => instances.Values;

    /// <summary>Called once, before anything runs.</summary>
    public void Add(IResource resource)
    {
        foreach (string id in ResourceInstances.Of(resource))
            instances.Add(id, new RunningInstance(resource, id));
    }

    public RunningInstance? Find(string id) => instances.GetValueOrDefault(id);

    /// <summary>Waits for what the instance depends on, then starts it. A failure becomes its state and log.</summary>
    public async Task StartAsync(RunningInstance instance, CancellationToken cancellationToken)
    {
        await instance.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        using var pending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        instance.PendingStart = pending;
        try
        {
            await LaunchAsync(instance, pending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await PublishAsync(instance, s => s with { State = KnownResourceStates.NotStarted }).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogStartFailed(loggers.GetLogger(instance.Id), instance.Id, e);
            await PublishAsync(instance, s => s with
            {
                State = new ResourceStateSnapshot(KnownResourceStates.FailedToStart, KnownResourceStateStyles.Error),
                StopTimeStamp = DateTime.UtcNow,
            }).ConfigureAwait(false);
        }
        finally
        {
            instance.PendingStart = null;
            instance.Gate.Release();
        }
    }

    /// <summary>Asks the process to end (SIGTERM, later SIGKILL) and returns when it has.</summary>
    public async Task StopAsync(RunningInstance instance, CancellationToken cancellationToken)
    {
        if (instance.PendingStart is { } pending)
            await pending.CancelAsync().ConfigureAwait(false);
        await instance.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (instance.DcpName is { } name && !HasEnded(instance))
            {
                await session.Client.PatchAsync(instance.Plural, name, DcpObjects.StopPatch(), cancellationToken)
                    .ConfigureAwait(false);
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                limit.CancelAfter(StopLimit);
                await notifications.WaitForResourceAsync(
                    instance.Resource.Name, e => e.ResourceId == instance.Id && IsEnd(e.Snapshot), limit.Token)
                    .ConfigureAwait(false);
            }
        }
        finally
        {
            instance.Gate.Release();
        }
    }

    public async Task RestartAsync(RunningInstance instance, CancellationToken cancellationToken)
    {
        await StopAsync(instance, cancellationToken).ConfigureAwait(false);
        await StartAsync(instance, cancellationToken).ConfigureAwait(false);
    }

    public bool HasEnded(RunningInstance instance)
        => !notifications.TryGetCurrentState(instance.Id, out ResourceEvent? state) || IsEnd(state.Snapshot);

    private static bool IsEnd(CustomResourceSnapshot snapshot)
        => KnownResourceStates.TerminalStates.Contains(snapshot.State?.Text);

    private async Task LaunchAsync(RunningInstance instance, CancellationToken cancellationToken)
    {
        if (instance.DcpName is { } old)
        {
            if (!HasEnded(instance))
                return;
            await session.Client.DeleteAsync(instance.Plural, old, cancellationToken).ConfigureAwait(false);
            instance.EndLife();
        }

        await PublishAsync(instance, s => s with
        {
            State = KnownResourceStates.Starting,
            ExitCode = null,
            StartTimeStamp = null,
            StopTimeStamp = null,
            HealthReports = [.. s.HealthReports.Select(r => r with { Status = null, Description = null })],
        }).ConfigureAwait(false);
        await notifications.WaitForDependenciesAsync(instance.Resource, cancellationToken).ConfigureAwait(false);
        await eventing.PublishAsync(new BeforeResourceStartedEvent(instance.Resource, services), cancellationToken)
            .ConfigureAwait(false);
        LaunchConfiguration configuration = await LaunchConfiguration.ResolveAsync(
            instance.Resource, context, loggers.GetLogger(instance.Id), cancellationToken).ConfigureAwait(false);
        ProducedService[] produced = [.. EndpointAllocator.ProducedBy(instance.Resource)];
        if (instance.Resource is ContainerResource container)
        {
            ContainerLaunch launch = LaunchBuilder.ForContainer(container, instance.Id, configuration);
            await PublishAsync(instance, s => SnapshotFacts.With(s, launch)).ConfigureAwait(false);
            await session.Client.CreateAsync(
                "Container", DcpObjects.Containers,
                DcpObjects.Container(instance.BeginLife(), launch, produced), cancellationToken).ConfigureAwait(false);
        }
        else
        {
            Launch launch = LaunchBuilder.ForProcess(
                instance.Resource, instance.Id, configuration, appHost.Assembly);
            await PublishAsync(instance, s => SnapshotFacts.With(s, instance.Resource, launch)).ConfigureAwait(false);
            await session.Client.CreateAsync(
                "Executable", DcpObjects.Executables,
                DcpObjects.Executable(instance.BeginLife(), launch, produced), cancellationToken).ConfigureAwait(false);
        }
    }

    private Task PublishAsync(RunningInstance instance, Func<CustomResourceSnapshot, CustomResourceSnapshot> change)
        => notifications.PublishUpdateAsync(instance.Resource, instance.Id, change);

    [LoggerMessage(LogLevel.Error, "Failed to start resource '{Id}'.")]
    private static partial void LogStartFailed(ILogger logger, string id, Exception reason);
}
