using System.Collections.Frozen;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using Lepton.Routing.Balancing;
using Lepton.Routing.Resilience;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Gateway;

/// <summary>Sends a request on to a node or another region's router, its message untouched.</summary>
internal sealed class Forwarder(PeerPool peers, HopAssertions hops, IOptions<RoutingOptions> options)
{
    // HTTP/2 has no hop-by-hop headers but these; the rest are ours to write.
    private static readonly FrozenSet<string> NotPassedOn = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
    [
        "authorization", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "host",
        "content-length", "content-type", Headers.Timeout, HopHeader.Name, HopHeader.Grant,
    ]);

    private static readonly FrozenSet<string> TraceHeaders =
        FrozenSet.Create(StringComparer.OrdinalIgnoreCase, ["traceparent", "tracestate", "baggage"]);

    // Where a trace is kept, the attempt's span is the parent of what the place does; .NET's own handler would put a
    // span of its own between the two, and costs several microseconds where none is kept.
    private static DistributedContextPropagator Propagator => DistributedContextPropagator.Current;

    /// <summary>The answer's head; the caller reads its body and disposes it.</summary>
    /// <exception cref="HttpRequestException">The connection failed before any byte of an answer.</exception>
    public async Task<HttpResponseMessage> SendAsync(
        GatewayCall call, Candidate to, int attempt, HttpContent content, CancellationToken cancellation)
    {
        PeerRoute route = peers.Route(to);
        using HttpRequestMessage request = new(HttpMethod.Post, route.AddressOf(call.Method))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        // As it came: parsing it and writing it again would only change it.
        content.Headers.TryAddWithoutValidation("content-type", call.Http.Request.ContentType);
        Activity? activity = Activity.Current;
        CopyHeaders(call.Http.Request.Headers, request.Headers, withTrace: activity is null);
        if (activity is not null)
            Propagator.Inject(activity, request.Headers, static (headers, name, value) =>
                ((HttpRequestHeaders?)headers)?.TryAddWithoutValidation(name, value));
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Headers.TryAddWithoutValidation(Headers.Timeout, GrpcTimeout.Format(
            Allowance.TimeoutFor(call.TimeLeft, to.RoundTripSeconds, options.Value.Deadlines)));
        SealedHop hop = hops.For(call, to, attempt);
        request.Headers.TryAddWithoutValidation(HopHeader.Name, hop.Assertion);
        request.Headers.TryAddWithoutValidation(HopHeader.Grant, hop.Grant);
        return await route.SendAsync(request, cancellation);
    }

    private static void CopyHeaders(IHeaderDictionary from, HttpRequestHeaders to, bool withTrace)
    {
        foreach (var (name, values) in from)
        {
            if (NotPassedOn.Contains(name) || name.StartsWith(':') || (!withTrace && TraceHeaders.Contains(name)))
                continue;
            if (values.Count == 1)
                to.TryAddWithoutValidation(name, values.ToString());
            else
                to.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
    }
}
