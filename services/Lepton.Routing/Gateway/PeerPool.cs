using System.Collections.Concurrent;
using Grpc.Net.Client;
using Lepton.Routing.Balancing;
using Lepton.Routing.Http2;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Gateway;

/// <summary>
/// Connections to nodes and routers: a link a peer for what is forwarded, and a channel for our own calls.
/// </summary>
internal sealed class PeerPool(PeerHttp http, RoutingMetrics metrics, TimeProvider time) : IDisposable
{
    // Peers come and go with deployments. Far above this, old ones are closed; those in use come back by themselves.
    private const int PeersMax = 20_000;

    private readonly ConcurrentDictionary<Peer, Lazy<Connections>> _peers = new();

    public GrpcChannel Channel(Peer peer) => Get(peer).Channel;

    /// <summary>The way to a candidate's place. It keeps it: finding it by its peer costs more than using it.</summary>
    public PeerRoute Route(Candidate to)
    {
        if (to.Route is { IsClosed: false } known)
            return known;
        Peer peer = to.IsRegion ? Peer.Router(to.Region, to.Url) : Peer.Node(to.Region, to.Url);
        return to.Route = Get(peer).Route;
    }

    /// <summary>Closes the connections to a peer that has gone.</summary>
    public void Forget(Peer peer)
    {
        if (_peers.TryRemove(peer, out Lazy<Connections>? gone) && gone.IsValueCreated)
            gone.Value.Dispose();
    }

    public void Dispose()
    {
        foreach (Peer peer in _peers.Keys)
            Forget(peer);
    }

    private PeerHttp Http => http;

    private PeerLink Link(Peer peer) => new(
        cancellation => http.ConnectAsync(peer.Address, peer.Service, peer.Region, cancellation),
        change => metrics.Connections.Add(change), time);

    private Connections Get(Peer peer)
    {
        if (_peers.TryGetValue(peer, out Lazy<Connections>? known))
            return known.Value;
        if (_peers.Count >= PeersMax)
            Dispose();
        return _peers.GetOrAdd(peer, p => new Lazy<Connections>(() => new Connections(this, p))).Value;
    }

    private sealed class Connections(PeerPool pool, Peer peer) : IDisposable
    {
        private readonly Lazy<GrpcChannel> _channel =
            new(() => pool.Http.CreateChannel(peer.Address, peer.Service, peer.Region));

        public PeerRoute Route { get; } = new(pool.Link(peer), peer.Address);

        public GrpcChannel Channel => _channel.Value;

        public void Dispose()
        {
            Route.Dispose();
            if (_channel.IsValueCreated)
                _channel.Value.Dispose();
        }
    }
}
