using System.Net.Sockets;
using Google.Protobuf.Reflection;

namespace Lepton.Testing.Fuzzing;

/// <summary>One method of a service, and who may call it.</summary>
/// <param name="Method">Its descriptor.</param>
/// <param name="Client">A connection with a certificate that may call it.</param>
/// <param name="Address">The server.</param>
/// <param name="Headers">What a good call has besides gRPC's own headers; made for each call.</param>
public sealed record FuzzTarget(
    MethodDescriptor Method, HttpMessageInvoker Client, Uri Address,
    Func<IEnumerable<KeyValuePair<string, string>>> Headers)
{
    /// <summary>Its path.</summary>
    public string Path { get; } = $"/{Method.Service.FullName}/{Method.Name}";

    /// <summary>False: every call of it is answered UNIMPLEMENTED, unread.</summary>
    public bool IsOffered { get; init; } = true;

    /// <summary>
    /// Who calls with a certificate, by one connection that all requests share: when it ends, what follows fails. What
    /// a server may answer by ending the connection is among <see cref="Http2Attacks"/>.
    /// </summary>
    public static HttpMessageInvoker Connection(TestInstallation installation, (string Certificate, string Key) shown)
    {
        ArgumentNullException.ThrowIfNull(installation);
        var handler = installation.Handler(shown);
        var opened = 0;
        handler.ConnectCallback = async (to, cancellation) =>
        {
            if (Interlocked.Increment(ref opened) > 1)
                throw new IOException("an earlier request ended the connection");
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(to.DnsEndPoint, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        };
        return new HttpMessageInvoker(handler);
    }

    /// <summary>What neither gateway nor node offers of the Open Inference Protocol.</summary>
    public static IReadOnlyCollection<string> NeverOffered { get; } =
    [
        "SystemSharedMemoryStatus", "SystemSharedMemoryRegister", "SystemSharedMemoryUnregister",
        "CudaSharedMemoryStatus", "CudaSharedMemoryRegister", "CudaSharedMemoryUnregister", "TraceSetting",
        "LogSettings",
    ];

    /// <summary>All methods of a service.</summary>
    /// <param name="service">The service.</param>
    /// <param name="client">Who calls.</param>
    /// <param name="address">Where.</param>
    /// <param name="headers">A good call's own headers.</param>
    /// <param name="notOffered">Methods of the contract that are not offered.</param>
    public static IEnumerable<FuzzTarget> Of(ServiceDescriptor service, HttpMessageInvoker client, Uri address,
        Func<IEnumerable<KeyValuePair<string, string>>>? headers = null, IReadOnlyCollection<string>? notOffered = null)
    {
        ArgumentNullException.ThrowIfNull(service);
        return service.Methods.Select(m => new FuzzTarget(m, client, address, headers ?? (() => []))
        {
            IsOffered = notOffered?.Contains(m.Name) != true,
        });
    }
}

/// <summary>A request as it is sent.</summary>
/// <param name="Kind">What is wrong with it.</param>
/// <param name="Body">gRPC frames, or what stands in their place.</param>
/// <param name="Expected">The gRPC statuses, or HTTP ones where three digits long, that are right.</param>
public sealed record FuzzRequest(string Kind, byte[] Body, IReadOnlyCollection<int> Expected)
{
    /// <summary>The HTTP method.</summary>
    public HttpMethod Method { get; init; } = HttpMethod.Post;

    /// <summary>The path; null: the target's.</summary>
    public string? Path { get; init; }

    /// <summary>The content type; null: none.</summary>
    public string? ContentType { get; init; } = "application/grpc";

    /// <summary>Further headers.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];
}

/// <summary>What came back.</summary>
/// <param name="Http">The HTTP status; 0: the request failed below HTTP.</param>
/// <param name="Grpc">The gRPC status; -1: none.</param>
/// <param name="Text">grpc-message, or what the failure says.</param>
public sealed record FuzzAnswer(int Http, int Grpc, string Text);
