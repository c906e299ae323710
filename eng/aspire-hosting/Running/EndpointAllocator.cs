using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp;

namespace Aspire.Hosting.Running;

/// <summary>Decides every endpoint's address before anything starts, so that each can be told of the others.</summary>
internal sealed class EndpointAllocator(DcpClient dcp)
{
    // Outgoing connections get 32768 and up.
    private const int FirstPort = 20_000;
    private const int PortCount = 12_000;

    private static readonly TimeSpan ProxyLimit = TimeSpan.FromSeconds(20);

    // Each process begins elsewhere.
    private static int lastPort = Environment.ProcessId * 211;

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

    /// <summary>
    /// A free port right now, which this process names once in a long time and the kernel gives to no outgoing
    /// connection. Another process may still take it before ours does; the loser fails to start, visibly.
    /// </summary>
    public static int FreePort()
    {
        for (int attempt = 0; attempt < PortCount; attempt++)
        {
            int port = FirstPort + (int)((uint)Interlocked.Increment(ref lastPort) % PortCount);
            if (IsFree(port))
                return port;
        }

        throw new DistributedApplicationException(
            $"No port from {FirstPort} to {FirstPort + PortCount - 1} is free.");
    }

    private static bool IsFree(int port)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return false;
        }
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
