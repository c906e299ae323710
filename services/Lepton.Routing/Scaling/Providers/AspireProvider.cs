using Aspire.DashboardService.Proto.V1;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Options;
using Tier = Lepton.Routing.V1.Tier;

namespace Lepton.Routing.Scaling.Providers;

/// <summary>
/// Starts and stops standby nodes as the dashboard's buttons do, by Aspire's resource service (contract
/// aspire.v1.DashboardService): resources with an explicit start, each named as its node.
/// </summary>
internal sealed class AspireProvider : ICapacityProvider, IDisposable
{
    private const string ApiKeyHeader = "x-resource-service-api-key";

    private readonly AspireOptions _options;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly Lazy<GrpcChannel> _channel;

    public AspireProvider(IOptions<ScalingOptions> options, TimeProvider time)
    {
        (_options, _timeout, _time) = (options.Value.Aspire, options.Value.ProviderTimeout, time);
        // Only who has a pool of this provider has an address.
        _channel = new Lazy<GrpcChannel>(() => GrpcChannel.ForAddress(_options.Url, new GrpcChannelOptions
        {
            HttpHandler = new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(3) },
            DisposeHttpClient = true,
        }), LazyThreadSafetyMode.PublicationOnly);
    }

    public string Name => "aspire";

    public async Task<int> GrowAsync(Tier tier, int nodes, IReadOnlyCollection<string> running,
        IReadOnlyCollection<string> leaving, CancellationToken cancellation)
    {
        IReadOnlyList<Resource> known = await ListAsync(cancellation);
        Resource[] standby =
        [
            .. StandbyOf(tier).Select(name => known.FirstOrDefault(r => r.DisplayName == name)).OfType<Resource>(),
        ];
        // One that starts and has not reported yet is on its way, whoever started it.
        int coming = standby.Count(r =>
            IsAlive(r) && !running.Contains(r.DisplayName) && !leaving.Contains(r.DisplayName));
        Resource[] chosen = [.. standby.Where(r => !IsAlive(r)).Take(Math.Max(0, nodes - running.Count - coming))];
        foreach (Resource resource in chosen)
            await ExecuteAsync("start", resource, cancellation);
        return coming + chosen.Length;
    }

    public async Task<bool> StopAsync(Tier tier, string node, int nodesLeft, CancellationToken cancellation)
    {
        if (!MayStop(tier, node))
            return false;
        if ((await ListAsync(cancellation)).FirstOrDefault(r => r.DisplayName == node) is { } resource
            && IsAlive(resource))
            await ExecuteAsync("stop", resource, cancellation);
        return true;
    }

    public bool MayStop(Tier tier, string node) => StandbyOf(tier).Contains(node);

    public void Dispose()
    {
        if (_channel.IsValueCreated)
            _channel.Value.Dispose();
    }

    private IEnumerable<string> StandbyOf(Tier tier) => _options.Standby
        .Where(s => s.Tier == (tier == Tier.Core ? "core" : "edge")).Select(s => s.Resource);

    private static bool IsAlive(Resource resource) =>
        resource.HasState && resource.State is "Starting" or "Running" or "Stopping" or "Waiting";

    private Task<IReadOnlyList<Resource>> ListAsync(CancellationToken cancellation) => AskAsync(
    async (client, headers) =>
    {
        using AsyncServerStreamingCall<WatchResourcesUpdate> watch = client.WatchResources(
            new WatchResourcesRequest(), headers, Deadline(), cancellation);
        // The first message holds every resource; what follows are changes.
        return await watch.ResponseStream.MoveNext(cancellation)
            ? (IReadOnlyList<Resource>)[.. watch.ResponseStream.Current.InitialData.Resources]
            : throw new CapacityException("Aspire's resource service ended its list before it began.");
    }, cancellation);

    private Task<bool> ExecuteAsync(string command, Resource resource, CancellationToken cancellation) =>
        AskAsync(async (client, headers) =>
        {
            ResourceCommandResponse response = await client.ExecuteResourceCommandAsync(new ResourceCommandRequest
            {
                CommandName = command, ResourceName = resource.Name, ResourceType = resource.ResourceType,
            }, headers, Deadline(), cancellation);
            return response.Kind == ResourceCommandResponseKind.Succeeded ? true
                : throw new CapacityException(
                    $"Aspire did not {command} {resource.DisplayName}: {response.Kind} {response.Message}");
        }, cancellation);

    private async Task<T> AskAsync<T>(
        Func<DashboardService.DashboardServiceClient, Metadata, Task<T>> ask, CancellationToken cancellation)
    {
        try
        {
            // Read each time: a host that starts anew has a new key.
            string key = (await File.ReadAllTextAsync(_options.KeyFile, cancellation)).Trim();
            return await ask(new DashboardService.DashboardServiceClient(_channel.Value),
                new Metadata { { ApiKeyHeader, key } });
        }
        catch (RpcException e) when (!cancellation.IsCancellationRequested)
        {
            throw new CapacityException($"Aspire's resource service: {e.StatusCode}, {e.Status.Detail}", e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException || (e is IOException and not CapacityException))
        {
            throw new CapacityException($"{ScalingOptions.Section}:Aspire:KeyFile cannot be read: {e.Message}", e);
        }
    }

    private DateTime Deadline() => _time.GetUtcNow().UtcDateTime + _timeout;
}
