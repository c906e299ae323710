using Aspire.DashboardService.Proto.V1;
using Aspire.Hosting.ApplicationModel;
using Grpc.Core;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Dashboard;

/// <summary>What the dashboard sees of this app host, and what it can have done.</summary>
internal sealed class DashboardService(
    IConfiguration configuration,
    ResourceNotificationService notifications,
    ResourceLoggerService loggers,
    ResourceCommandService commands) : Aspire.DashboardService.Proto.V1.DashboardService.DashboardServiceBase
{
    private static readonly TimeSpan BatchPeriod = TimeSpan.FromMilliseconds(100);

    public override Task<ApplicationInformationResponse> GetApplicationInformation(
        ApplicationInformationRequest request, ServerCallContext context)
        => Task.FromResult(new ApplicationInformationResponse
        {
            ApplicationName = configuration["AppHost:DashboardApplicationName"] ?? "",
        });

    public override async Task WatchResources(
        WatchResourcesRequest request, IServerStreamWriter<WatchResourcesUpdate> responseStream,
        ServerCallContext context)
    {
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        await using IAsyncEnumerator<ResourceEvent> changes
            = notifications.WatchAsync(watching.Token).GetAsyncEnumerator(watching.Token);
        var pending = new Dictionary<string, ResourceEvent>();
        bool first = true;
        Task<bool> next = changes.MoveNextAsync().AsTask();
        try
        {
            while (true)
            {
                // Changes come in bursts: of those within a tenth of a second only each instance's newest is sent.
                Task pause = Task.Delay(BatchPeriod, context.CancellationToken);
                while (await Task.WhenAny(next, pause).ConfigureAwait(false) == next)
                {
                    if (!await next.ConfigureAwait(false))
                        return;
                    pending[changes.Current.ResourceId] = changes.Current;
                    next = changes.MoveNextAsync().AsTask();
                }

                context.CancellationToken.ThrowIfCancellationRequested();
                if (pending.Count > 0 || first)
                    await responseStream.WriteAsync(UpdateOf(pending.Values, first), context.CancellationToken)
                        .ConfigureAwait(false);
                first = false;
                pending.Clear();
                await Task.WhenAny(next, Task.Delay(Timeout.Infinite, context.CancellationToken)).ConfigureAwait(false);
                context.CancellationToken.ThrowIfCancellationRequested();
            }
        }
        catch (OperationCanceledException) when (context.CancellationToken.IsCancellationRequested)
        {
            // The caller left.
        }
        finally
        {
            // An enumerator cannot be disposed while it is asked for its next.
            await watching.CancelAsync().ConfigureAwait(false);
            await Task.WhenAny(next).ConfigureAwait(false);
        }
    }

    public override async Task WatchResourceConsoleLogs(
        WatchResourceConsoleLogsRequest request, IServerStreamWriter<WatchResourceConsoleLogsUpdate> responseStream,
        ServerCallContext context)
    {
        try
        {
            await foreach (IReadOnlyList<LogLine> batch in loggers.ReadAsync(
                request.ResourceName, !request.SuppressFollow, context.CancellationToken).ConfigureAwait(false))
            {
                var update = new WatchResourceConsoleLogsUpdate();
                update.LogLines.AddRange(batch.Select(l => new ConsoleLogLine
                {
                    LineNumber = l.LineNumber,
                    Text = l.Content,
                    IsStdErr = l.IsErrorMessage,
                }));
                await responseStream.WriteAsync(update, context.CancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (context.CancellationToken.IsCancellationRequested)
        {
            // The caller left.
        }
    }

    public override async Task<ResourceCommandResponse> ExecuteResourceCommand(
        ResourceCommandRequest request, ServerCallContext context)
    {
        ExecuteCommandResult result = await commands.ExecuteCommandAsync(
            request.ResourceName, request.CommandName, context.CancellationToken).ConfigureAwait(false);
        var response = new ResourceCommandResponse
        {
            Kind = result.Success
                ? ResourceCommandResponseKind.Succeeded
                : result.Canceled ? ResourceCommandResponseKind.Cancelled : ResourceCommandResponseKind.Failed,
        };
        if (result.Message is not null)
            response.Message = result.Message;
        return response;
    }

    public override async Task WatchInteractions(
        IAsyncStreamReader<WatchInteractionsRequestUpdate> requestStream,
        IServerStreamWriter<WatchInteractionsResponseUpdate> responseStream, ServerCallContext context)
    {
        try
        {
            while (await requestStream.MoveNext(context.CancellationToken).ConfigureAwait(false))
            {
                // Answers to questions that were never asked.
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The caller left.
        }
    }

    private static WatchResourcesUpdate UpdateOf(IEnumerable<ResourceEvent> events, bool first)
    {
        IEnumerable<Aspire.DashboardService.Proto.V1.Resource> resources = events.Select(ResourceMapper.ToWire);
        if (first)
            return new WatchResourcesUpdate { InitialData = new InitialResourceData { Resources = { resources } } };
        return new WatchResourcesUpdate
        {
            Changes = new WatchResourcesChanges
            {
                Value = { resources.Select(r => new WatchResourcesChange { Upsert = r }) },
            },
        };
    }
}
