using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp;

namespace Aspire.Hosting.Running;

/// <summary>Decides every endpoint's address before anything starts, so that each can be told of the others.</summary>
internal sealed class EndpointAllocator(DcpClient dcp)
{
    private static readonly TimeSpan ProxyLimit = TimeSpan.FromSeconds(20);

    public async Task AllocateAsync(IResource resource, CancellationToken cancellationToken)
    {
        foreach (EndpointAnnotation endpoint in resource.Annotations.OfType<EndpointAnnotation>().ToArray())
        {
            if (endpoint.AllocatedEndpoint is not null)
                continue;
            if (resource is ContainerResource)
                endpoint.AllocatedEndpoint = At(endpoint, endpoint.Port ?? FreePort());
            else if (endpoint.IsProxied)
                endpoint.AllocatedEndpoint = await ProxyAsync(resource, endpoint, cancellationToken)
                    .ConfigureAwait(false);
            else if (resource.GetReplicaCount() > 1)
                throw new DistributedApplicationException(
                    $"Resource '{resource.Name}' uses multiple replicas and a proxy-less endpoint '{endpoint.Name}'. "
                    + "These features do not work together.");
            else
                endpoint.AllocatedEndpoint = At(endpoint, endpoint.Port ?? endpoint.TargetPort ?? FreePort());
        }
    }

    /// <summary>What DCP needs to know of a process's proxied endpoints.</summary>
    public static IEnumerable<ProducedService> ProducedBy(IResource resource)
        => resource is ContainerResource
            ? []
            : resource.Annotations.OfType<EndpointAnnotation>().Where(e => e.IsProxied)
                .Select(e => new ProducedService(ServiceName(resource, e), e.TargetPort));

    /// <summary>A free port right now. Another process may take it before ours does; the loser fails to start, visibly.
    /// </summary>
    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private async Task<AllocatedEndpoint> ProxyAsync(
        IResource resource, EndpointAnnotation endpoint, CancellationToken cancellationToken)
    {
        string name = ServiceName(resource, endpoint);
        await dcp.CreateAsync(
            "Service", DcpObjects.Services, DcpObjects.Service(name, endpoint.Port ?? 0), cancellationToken)
            .ConfigureAwait(false);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ProxyLimit);
        while (true)
        {
            var service = await dcp.FindAsync(DcpObjects.Services, name, limit.Token).ConfigureAwait(false);
            if (service is not null && DcpObjects.IntOf(service, "effectivePort") is { } port and > 0)
                return At(endpoint, port, $"{{{{- portForServing \"{name}\" -}}}}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), limit.Token).ConfigureAwait(false);
        }
    }

    private static AllocatedEndpoint At(EndpointAnnotation endpoint, int port, string? targetPortExpression = null)
        => new(
            endpoint,
            IPAddress.TryParse(endpoint.TargetHost, out IPAddress? ip) && IPAddress.IsLoopback(ip)
                ? endpoint.TargetHost
                : KnownHostNames.Localhost,
            port,
            targetPortExpression);

    private static string ServiceName(IResource resource, EndpointAnnotation endpoint)
        => resource.Annotations.OfType<EndpointAnnotation>().Count() == 1
            ? resource.Name
            : $"{resource.Name}-{endpoint.Name}";
}
