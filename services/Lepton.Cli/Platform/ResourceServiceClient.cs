using System.Net.Http;
using Aspire.DashboardService.Proto.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace Lepton.Cli.Platform;

/// <summary>
/// Asks the app host's resource service, the one that the dashboard reads (contract aspire.v1.DashboardService),
/// so it works with Aspire's own host too.
/// </summary>
internal sealed class ResourceServiceClient : IResourceSource, IDisposable
{
    private const string ApiKeyHeader = "x-resource-service-api-key";
    private const int LogLinesMax = 20;

    private static readonly TimeSpan timeout = TimeSpan.FromSeconds(3);

    private readonly GrpcChannel channel;
    private readonly DashboardService.DashboardServiceClient client;
    private readonly Metadata headers;

    public ResourceServiceClient(DashboardAccess dashboard)
    {
        channel = GrpcChannel.ForAddress(dashboard.ResourceServiceUrl, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { UseProxy = false, ConnectTimeout = timeout },
            DisposeHttpClient = true,
        });
        client = new DashboardService.DashboardServiceClient(channel);
        headers = new Metadata { { ApiKeyHeader, dashboard.ResourceServiceApiKey } };
    }

    public async Task<IReadOnlyList<ResourceState>> ListAsync(CancellationToken cancellation)
    {
        try
        {
            using AsyncServerStreamingCall<WatchResourcesUpdate> watch =
                client.WatchResources(new WatchResourcesRequest(), headers, Deadline(), cancellation);
            // The first message holds every resource; what follows are changes.
            return await watch.ResponseStream.MoveNext(cancellation)
                ? [.. watch.ResponseStream.Current.InitialData.Resources.Select(Describe)]
                : [];
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            return [];
        }
    }

    public async Task<IReadOnlyList<string>> LogTailAsync(string resourceId, CancellationToken cancellation)
    {
        Queue<string> lines = new();
        WatchResourceConsoleLogsRequest request = new() { ResourceName = resourceId, SuppressFollow = true };
        try
        {
            using AsyncServerStreamingCall<WatchResourceConsoleLogsUpdate> log =
                client.WatchResourceConsoleLogs(request, headers, Deadline(), cancellation);
            await foreach (WatchResourceConsoleLogsUpdate update in log.ResponseStream.ReadAllAsync(cancellation))
            {
                foreach (ConsoleLogLine line in update.LogLines)
                {
                    lines.Enqueue("  " + line.Text);
                    if (lines.Count > LogLinesMax)
                    {
                        lines.Dequeue();
                    }
                }
            }
        }
        catch (RpcException e) when (lines.Count == 0)
        {
            return [$"(its log cannot be read: {e.Status.Detail})"];
        }
        catch (RpcException)
        {
            // The host may keep the stream open; what came is what there is.
        }

        return [.. lines];
    }

    /// <summary>Has a resource start, stop or restart; ends when that is done. Null, or why it was not.</summary>
    public async Task<string?> ExecuteAsync(
        string command, string resource, TimeSpan limit, CancellationToken cancellation)
    {
        if ((await ListAsync(cancellation)).FirstOrDefault(r => r.Name == resource) is not { } state)
        {
            return "no such resource";
        }

        ResourceCommandRequest request = new()
        {
            CommandName = command, ResourceName = state.Id, ResourceType = "Project",
        };
        try
        {
            ResourceCommandResponse response = await client.ExecuteResourceCommandAsync(
                request, headers, TimeProvider.System.GetUtcNow().UtcDateTime + limit, cancellation);
            return response.Kind == ResourceCommandResponseKind.Succeeded ? null
                : response.HasMessage ? response.Message : $"{response.Kind}";
        }
        catch (RpcException e) when (!cancellation.IsCancellationRequested)
        {
            return e.Status.Detail;
        }
    }

    public void Dispose() => channel.Dispose();

    private static ResourceState Describe(Resource resource) => new()
    {
        Name = resource.DisplayName,
        Id = resource.Name,
        State = resource.HasState ? resource.State : "Unknown",
        Health = Health(resource),
        HasHealthChecks = resource.HealthReports.Count > 0,
        Pid = Number(resource, "executable.pid"),
        ExitCode = Number(resource, "resource.exitCode"),
        StartTime = resource.StartedAt?.ToDateTimeOffset(),
    };

    /// <summary>As the dashboard sums it up: the worst report counts; a check not run yet is no health.</summary>
    private static string? Health(Resource resource)
    {
        if (resource.HealthReports.Count == 0 || resource.HealthReports.Any(r => !r.HasStatus))
        {
            return null;
        }

        return resource.HealthReports.Any(r => r.Status == HealthStatus.Unhealthy) ? "Unhealthy"
            : resource.HealthReports.Any(r => r.Status == HealthStatus.Degraded) ? "Degraded"
            : "Healthy";
    }

    private static int? Number(Resource resource, string property)
    {
        Google.Protobuf.WellKnownTypes.Value? value =
            resource.Properties.FirstOrDefault(p => p.Name == property)?.Value;
        return value switch
        {
            { HasNumberValue: true } => (int)value.NumberValue,
            { HasStringValue: true } when int.TryParse(value.StringValue, out int number) => number,
            _ => null,
        };
    }

    private static DateTime Deadline() => TimeProvider.System.GetUtcNow().UtcDateTime + timeout;
}
