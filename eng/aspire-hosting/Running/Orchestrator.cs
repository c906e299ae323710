using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dashboard;
using Aspire.Hosting.Dcp;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Running;

/// <summary>The application's life in run mode: everything is started, watched, and ended with the app host.</summary>
internal sealed partial class Orchestrator(
    DistributedApplicationModel model,
    DistributedApplicationOptions options,
    IConfiguration configuration,
    Lazy<ToolPaths> tools,
    DcpSession session,
    ProcessRunner runner,
    ResourceServiceHost resourceService,
    ResourceHealth health,
    ResourceNotificationService notifications,
    ResourceLoggerService loggers,
    IDistributedApplicationEventing eventing,
    IServiceProvider services,
    ILoggerFactory loggerFactory) : IHostedService, IDisposable
{
    private readonly ILogger logger = loggerFactory.CreateLogger("Aspire.Hosting.DistributedApplication");
    private readonly CancellationTokenSource stopping = new();
    private Task background = Task.CompletedTask;

    public void Dispose() => stopping.Dispose();

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await eventing.PublishAsync(new BeforeStartEvent(services, model), cancellationToken).ConfigureAwait(false);
        DashboardResource? dashboard = null;
        if (!options.DisableDashboard)
        {
            await Task.WhenAll(session.StartAsync(cancellationToken), resourceService.StartAsync(cancellationToken))
                .ConfigureAwait(false);
            dashboard = DashboardResource.Create(
                tools.Value, configuration, DashboardSettings.From(configuration), resourceService.Url);
            runner.Add(dashboard);
        }
        else
        {
            await session.StartAsync(cancellationToken).ConfigureAwait(false);
        }

        IResource[] processes = [.. model.Resources.Where(
            r => r is ProjectResource or ExecutableResource or ContainerResource)];
        foreach (IResource resource in processes)
            runner.Add(resource);
        loggers.Source = new ConsoleLogSource(session.Client, runner, notifications).ReadAsync;
        await PublishInitialStatesAsync().ConfigureAwait(false);
        background = Task.WhenAll(Watchers(processes));
        if (dashboard is not null)
            background = Task.WhenAll(background, StartDashboardAsync(dashboard));
        var allocator = new EndpointAllocator(session.Client);
        await Task.WhenAll(processes.Select(p => AllocateAsync(allocator, p, cancellationToken))).ConfigureAwait(false);
        background = Task.WhenAll(background, StartAllAsync(processes));
        await eventing.PublishAsync(new AfterResourcesCreatedEvent(services, model), cancellationToken)
            .ConfigureAwait(false);
        LogStarted();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await session.StopAsync().ConfigureAwait(false);
        await background.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await resourceService.StopAsync(cancellationToken).ConfigureAwait(false);
    }

    private IEnumerable<Task> Watchers(IResource[] processes)
    {
        var watcher = new ProcessWatcher(session.Client, runner, notifications, eventing, services, logger);
        yield return GuardAsync(token => watcher.RunAsync(DcpObjects.Executables, token));
        if (processes.Any(p => p is ContainerResource))
            yield return GuardAsync(token => watcher.RunAsync(DcpObjects.Containers, token));
        yield return GuardAsync(health.RunAsync);
    }

    private async Task PublishInitialStatesAsync()
    {
        foreach (IResource resource in model.Resources)
        {
            CustomResourceSnapshot facts = await ResourceFacts.InitialAsync(resource, stopping.Token)
                .ConfigureAwait(false);
            await notifications.PublishUpdateAsync(resource, s => s with
            {
                State = facts.State,
                Properties = facts.Properties,
                Relationships = facts.Relationships,
                HealthReports = ResourceHealth.NotYetKnown(resource),
            }).ConfigureAwait(false);
        }
    }

    private async Task AllocateAsync(
        EndpointAllocator allocator, IResource resource, CancellationToken cancellationToken)
    {
        try
        {
            await allocator.AllocateAsync(resource, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // Whoever asks for these endpoints fails with the reason instead of waiting for ever.
            foreach (EndpointAnnotation endpoint in resource.Annotations.OfType<EndpointAnnotation>())
                endpoint.FailAllocation(e);
            throw;
        }

        await eventing.PublishAsync(new ResourceEndpointsAllocatedEvent(resource, services), cancellationToken)
            .ConfigureAwait(false);
        var urls = await ResourceFacts.UrlsAsync(resource, services, cancellationToken).ConfigureAwait(false);
        await notifications.PublishUpdateAsync(resource, s => s with { Urls = urls }).ConfigureAwait(false);
    }

    private Task StartAllAsync(IResource[] processes)
        => Task.WhenAll(runner.Instances
            .Where(i => processes.Contains(i.Resource) && !i.Resource.HasAnnotationOfType<ExplicitStartupAnnotation>())
            .Select(i => GuardAsync(token => runner.StartAsync(i, token))));

    private async Task StartDashboardAsync(DashboardResource dashboard)
    {
        await notifications.PublishUpdateAsync(dashboard, s => s with { IsHidden = true }).ConfigureAwait(false);
        RunningInstance instance = runner.Instances.First(i => i.Resource == dashboard);
        await GuardAsync(async token =>
        {
            await runner.StartAsync(instance, token).ConfigureAwait(false);
            await dashboard.WaitUntilAnsweringAsync(token).ConfigureAwait(false);
            LogDashboard(dashboard.Settings.FrontendUrl);
            if (dashboard.Settings.BrowserToken is { } browserToken)
                LogLogin($"{dashboard.Settings.FrontendUrl}/login?t={browserToken}");
        }).ConfigureAwait(false);
    }

    /// <summary>Work in the background ends quietly with the application and loudly otherwise.</summary>
    private async Task GuardAsync(Func<CancellationToken, Task> work)
    {
        try
        {
            await work(stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The application is stopping.
        }
        catch (Exception e)
        {
            LogBroken(e);
        }
    }

    [LoggerMessage(LogLevel.Information, "Distributed application started. Press Ctrl+C to shut down.")]
    private partial void LogStarted();

    [LoggerMessage(LogLevel.Information, "Now listening on: {Url}")]
    private partial void LogDashboard(string url);

    [LoggerMessage(LogLevel.Information, "Login to the dashboard at {Url}")]
    private partial void LogLogin(string url);

    [LoggerMessage(LogLevel.Error, "The app host's own work failed.")]
    private partial void LogBroken(Exception reason);
}
