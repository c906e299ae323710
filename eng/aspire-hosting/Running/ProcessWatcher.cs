using System.Text.Json.Nodes;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Running;

/// <summary>Turns what DCP reports of its objects into snapshots of the instances.</summary>
internal sealed partial class ProcessWatcher(
    DcpClient dcp,
    ProcessRunner runner,
    ResourceNotificationService notifications,
    IDistributedApplicationEventing eventing,
    IServiceProvider services,
    ILogger logger)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);

    /// <summary>Until cancelled; a broken connection is opened again, and DCP then repeats the present state.</summary>
    public async Task RunAsync(string plural, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await foreach ((string type, JsonNode item) in dcp.WatchAsync(plural, cancellationToken)
                    .ConfigureAwait(false))
                    await ApplyAsync(type, item, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                LogConnectionLost(plural, e.Message);
            }

            await Task.Delay(RetryDelay, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task ApplyAsync(string type, JsonNode item, CancellationToken cancellationToken)
    {
        string name = (string?)item["metadata"]?["name"] ?? "";
        RunningInstance? instance = runner.Instances.FirstOrDefault(i => i.DcpName == name);
        // An object of an earlier life, or one that is being removed, says nothing about the present one.
        if (instance is null || type is not ("ADDED" or "MODIFIED")
            || item["metadata"]?["deletionTimestamp"] is not null)
            return;
        bool hadEnded = runner.HasEnded(instance);
        await notifications.PublishUpdateAsync(
            instance.Resource, instance.Id, s => SnapshotFacts.With(s, item)).ConfigureAwait(false);
        if (!hadEnded && runner.HasEnded(instance)
            && notifications.TryGetCurrentState(instance.Id, out ResourceEvent? end))
            await eventing.PublishAsync(
                new ResourceStoppedEvent(instance.Resource, services, end), cancellationToken).ConfigureAwait(false);
    }

    [LoggerMessage(LogLevel.Debug, "The orchestrator's watch of {Plural} broke off: {Reason}")]
    private partial void LogConnectionLost(string plural, string reason);
}
