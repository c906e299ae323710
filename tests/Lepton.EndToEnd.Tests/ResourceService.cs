using Aspire.DashboardService.Proto.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace Lepton.EndToEnd.Tests;

/// <summary>The app host's resource service: what runs, and the commands behind the dashboard's buttons.</summary>
internal sealed class ResourceService : IDisposable
{
    private static readonly TimeSpan timeout = TimeSpan.FromSeconds(20);

    private readonly GrpcChannel channel;
    private readonly DashboardService.DashboardServiceClient client;
    private readonly Metadata key;

    public ResourceService(Platform platform)
    {
        channel = GrpcChannel.ForAddress(platform.ResourceServiceUrl);
        client = new DashboardService.DashboardServiceClient(channel);
        key = new Metadata { { "x-resource-service-api-key", platform.ResourceServiceApiKey } };
    }

    /// <summary>Everything that the dashboard shows.</summary>
    public async Task<IReadOnlyList<Resource>> ListAsync()
    {
        using AsyncServerStreamingCall<WatchResourcesUpdate> watch =
            client.WatchResources(new WatchResourcesRequest(), key, DateTime.UtcNow + timeout);
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        return [.. watch.ResponseStream.Current.InitialData.Resources.Where(r => !r.IsHidden)];
    }

    public async Task StartAsync(string name)
    {
        Resource resource = (await ListAsync()).Single(r => r.DisplayName == name);
        ResourceCommandResponse answer = await client.ExecuteResourceCommandAsync(
            new ResourceCommandRequest
            {
                ResourceName = resource.Name, ResourceType = resource.ResourceType, CommandName = "start",
            },
            key, DateTime.UtcNow + timeout);
        Assert.True(answer.Kind == ResourceCommandResponseKind.Succeeded, $"{name} does not start: {answer.Message}");
    }

    public void Dispose() => channel.Dispose();
}
