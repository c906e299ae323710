using System.Collections.Frozen;
using System.Diagnostics;
using Lepton.Routing.Balancing;
using Lepton.Routing.Http2;
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

    // Written and sent without a wait in between: one block a thread instead of one a request.
    [ThreadStatic]
    private static HeaderBlock? _scratch;

    /// <summary>Sends it; the caller waits for the answer and disposes it.</summary>
    /// <exception cref="PeerException">No connection was had.</exception>
    public async ValueTask<Exchange> SendAsync(
        GatewayCall call, Candidate to, int attempt, RequestBody body, CancellationToken cancellation)
    {
        PeerRoute route = peers.Route(to);
        while (true)
        {
            Http2Connection connection = route.Link.Ready ?? await route.Link.GetAsync(cancellation);
            Exchange exchange = new(connection);
            int sent = connection.Open(exchange, Head(call, to, route, attempt), body.First.Span, body.IsWhole);
            if (sent < 0)
                continue; // others were quicker to take its last room
            exchange.CancelOn(cancellation);
            _ = body.SendRestAsync(exchange, sent, cancellation);
            return exchange;
        }
    }

    private ReadOnlySpan<byte> Head(GatewayCall call, Candidate to, PeerRoute route, int attempt)
    {
        HeaderBlock head = _scratch ??= new HeaderBlock();
        head.Clear();
        head.AddMade(route.HeadOf(call.Method));
        // As it came: parsing it and writing it again would only change it.
        head.Add("content-type", call.Http.Request.ContentType ?? Headers.ContentType);
        Activity? activity = Activity.Current;
        CopyHeaders(call.Http.Request.Headers, head, withTrace: activity is null);
        if (activity is not null)
            Propagator.Inject(activity, head, static (block, name, value) => ((HeaderBlock?)block)?.Add(name, value));
        head.Add(Headers.Timeout, GrpcTimeout.Format(
            Allowance.TimeoutFor(call.TimeLeft, to.RoundTripSeconds, options.Value.Deadlines)));
        SealedHop hop = hops.For(call, to, attempt);
        head.Add(HopHeader.Name, hop.Assertion);
        head.Add(HopHeader.Grant, hop.Grant);
        return head.Bytes;
    }

    private static void CopyHeaders(IHeaderDictionary from, HeaderBlock to, bool withTrace)
    {
        foreach (var (name, values) in from)
        {
            if (NotPassedOn.Contains(name) || name.StartsWith(':') || (!withTrace && TraceHeaders.Contains(name)))
                continue;
            foreach (string? value in values)
                to.Add(name, value ?? "");
        }
    }
}
