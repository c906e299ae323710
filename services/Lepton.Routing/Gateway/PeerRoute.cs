using System.Collections.Concurrent;

namespace Lepton.Routing.Gateway;

/// <summary>The connections to one peer, with what a request to it needs made beforehand.</summary>
internal sealed class PeerRoute(HttpMessageHandler handler, Uri address) : IDisposable
{
    private readonly HttpMessageInvoker _invoker = new(handler, disposeHandler: true);

    // As many as the protocol has methods. A Uri parses itself at every first use: one a method, not one a request.
    private readonly ConcurrentDictionary<GatewayMethod, Uri> _addresses = new();
    private volatile bool _closed;

    /// <summary>The peer was forgotten, and whoever meant it must look it up again.</summary>
    public bool IsClosed => _closed;

    public Uri AddressOf(GatewayMethod method) =>
        _addresses.TryGetValue(method, out Uri? known) ? known
            : _addresses.GetOrAdd(method, new Uri(address, method.Path));

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation) =>
        _invoker.SendAsync(request, cancellation);

    public void Dispose()
    {
        _closed = true;
        _invoker.Dispose();
    }
}
