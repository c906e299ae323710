using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using Lepton.Routing.Balancing;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Gateway;

/// <summary>Sends a request on to a node or another region's router, its message untouched.</summary>
internal sealed class Forwarder(PeerPool peers, HopAssertions hops)
{
    // HTTP/2 has no hop-by-hop headers but these; the rest are ours to write.
    private static readonly HashSet<string> NotPassedOn = new(StringComparer.OrdinalIgnoreCase)
    {
        "authorization", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "host",
        "content-length", "content-type", Headers.Timeout, HopHeader.Name, HopHeader.Grant,
    };

    private static readonly HashSet<string> TraceHeaders =
        new(StringComparer.OrdinalIgnoreCase) { "traceparent", "tracestate", "baggage" };

    /// <summary>The answer's head; the caller reads its body and disposes it.</summary>
    /// <exception cref="HttpRequestException">The connection failed before any byte of an answer.</exception>
    public async Task<HttpResponseMessage> SendAsync(
        GatewayCall call, Candidate to, int attempt, HttpContent content, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, new Uri(to.Url, call.Method.Path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(call.Http.Request.ContentType ?? Headers.ContentType);
        foreach (var (name, values) in call.Http.Request.Headers)
            if (!NotPassedOn.Contains(name) && !name.StartsWith(':')
                && !(Activity.Current is not null && TraceHeaders.Contains(name))) // then ours are sent
                request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Headers.TryAddWithoutValidation(Headers.Timeout, GrpcTimeout.Format(call.TimeLeft));
        SealedHop hop = hops.For(call, to, attempt);
        request.Headers.TryAddWithoutValidation(HopHeader.Name, hop.Assertion);
        request.Headers.TryAddWithoutValidation(HopHeader.Grant, hop.Grant);
        return await peers.Invoker(PeerOf(to)).SendAsync(request, cancellation);
    }

    private static Peer PeerOf(Candidate to) =>
        to.IsRegion ? Peer.Router(to.Region, to.Url) : Peer.Node(to.Region, to.Url);
}
