using System.Net.Sockets;

namespace Aspire.Hosting.ApplicationModel;

public sealed class EndpointAnnotation : IResourceAnnotation
{
    private readonly TaskCompletionSource<AllocatedEndpoint> allocated
        = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private bool? isExplicitlyProxied;
    private bool? tlsEnabled;

    public EndpointAnnotation(
        ProtocolType protocol,
        string? uriScheme = null,
        string? transport = null,
        string? name = null,
        int? port = null,
        int? targetPort = null,
        bool? isExternal = null,
        bool? isProxied = null)
    {
        Protocol = protocol;
        UriScheme = uriScheme ?? protocol.ToString().ToLowerInvariant();
        Transport = transport ?? (UriScheme is "http" or "https" ? "http" : protocol.ToString().ToLowerInvariant());
        Name = name ?? UriScheme;
        Port = port;
        TargetPort = targetPort;
        IsExternal = isExternal ?? false;
        isExplicitlyProxied = isProxied;
    }

    public ProtocolType Protocol { get; set; }

    public string UriScheme { get; set; }

    public string Transport { get; set; }

    public string Name { get; set; }

    /// <summary>The port that others use, 1 to 65535. Null: chosen when the application starts.</summary>
    public int? Port { get; set; }

    /// <summary>The port that the process itself listens on. Null: chosen, and given to the process.</summary>
    public int? TargetPort { get; set; }

    /// <summary>The host name that the process listens on. Default: localhost.</summary>
    public string TargetHost { get; set; } = KnownHostNames.Localhost;

    public bool IsExternal { get; set; }

    /// <summary>True: a TCP proxy listens on <see cref="Port"/> and forwards to the process. Default: true.</summary>
    public bool IsProxied
    {
        get => isExplicitlyProxied ?? true;
        set => isExplicitlyProxied = value;
    }

    public bool? IsExplicitlyProxied
    {
        get => isExplicitlyProxied;
        set => isExplicitlyProxied = value;
    }

    public bool ExcludeReferenceEndpoint { get; set; }

    public bool TlsEnabled
    {
        get => tlsEnabled ?? UriScheme == "https";
        set => tlsEnabled = value;
    }

    /// <summary>Where the endpoint really is; null until the application has started so far.</summary>
    public AllocatedEndpoint? AllocatedEndpoint
    {
        get => allocated.Task.IsCompletedSuccessfully ? allocated.Task.Result : null;
        set
        {
            if (value is not null)
                allocated.TrySetResult(value);
        }
    }

    internal Task<AllocatedEndpoint> GetAllocatedAsync(CancellationToken cancellationToken)
        => allocated.Task.WaitAsync(cancellationToken);

    internal void FailAllocation(Exception reason) => allocated.TrySetException(reason);
}

public class AllocatedEndpoint
{
    public AllocatedEndpoint(
        EndpointAnnotation endpoint, string address, int port, string? targetPortExpression = null)
    {
        Endpoint = endpoint;
        Address = address;
        Port = port;
        TargetPortExpression = targetPortExpression;
    }

    public EndpointAnnotation Endpoint { get; }

    public string Address { get; }

    public int Port { get; }

    public string? TargetPortExpression { get; }

    public string UriScheme => Endpoint.UriScheme;

    public string EndPointString => $"{Address}:{Port}";

    public string UriString => $"{UriScheme}://{EndPointString}";

    public override string ToString() => UriString;
}
