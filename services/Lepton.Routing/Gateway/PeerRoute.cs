using System.Collections.Concurrent;
using Lepton.Routing.Http2;

namespace Lepton.Routing.Gateway;

/// <summary>The way to one peer, with what every request to it begins with made beforehand.</summary>
internal sealed class PeerRoute(PeerLink link, Uri address) : IDisposable
{
    // Places in HPACK's static table.
    private const int Authority = 1, MethodPost = 3, Path = 4, SchemeHttp = 6, SchemeHttps = 7;

    // As many as the protocol has methods.
    private readonly ConcurrentDictionary<GatewayMethod, byte[]> _heads = new();

    public PeerLink Link => link;

    /// <summary>The peer was forgotten, and whoever meant it must look it up again.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>The fields that all requests of a method to this peer share.</summary>
    public ReadOnlySpan<byte> HeadOf(GatewayMethod method) =>
        _heads.TryGetValue(method, out byte[]? known) ? known : _heads.GetOrAdd(method, Make);

    public void Dispose()
    {
        IsClosed = true;
        link.Dispose();
    }

    private byte[] Make(GatewayMethod method)
    {
        HeaderBlock head = new();
        head.Add(MethodPost);
        head.Add(address.Scheme == Uri.UriSchemeHttps ? SchemeHttps : SchemeHttp);
        head.Add(Path, method.Path);
        head.Add(Authority, address.Authority);
        head.Add("te", "trailers");
        return head.Bytes.ToArray();
    }
}
