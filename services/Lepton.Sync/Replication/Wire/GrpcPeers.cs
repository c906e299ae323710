using System.Collections.Concurrent;
using Grpc.Net.Client;
using Lepton.ServiceDefaults;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Receiver;

namespace Lepton.Sync.Replication.Wire;

/// <summary>
/// Channels to the other nodes, one each: mutual TLS, and the other side must be service <c>sync</c> of the region that
/// the map has for the node. Addresses are <c>Sync:Nodes:N:Url</c>, N being the node's number.
/// </summary>
internal sealed class GrpcPeers(
    PeerHttp http, IConfiguration configuration, ITopologySource topology, ReplicationOptions options,
    TimeProvider time) : IReplicationPeers, IDisposable
{
    private readonly ConcurrentDictionary<NodeId, Lazy<GrpcChannel>> _channels = new();

    public IReplicationPeer Of(SyncNode node) => new GrpcReplicationPeer(
        () => new V1.PeerService.PeerServiceClient(ChannelTo(node)), topology.Self.Name, options, time);

    /// <summary>The channel to a node, for other calls too. Deadlines are the caller's.</summary>
    /// <exception cref="InvalidOperationException">Its address is not configured.</exception>
    public GrpcChannel ChannelTo(SyncNode node) => _channels.GetOrAdd(
        node.Id, _ => new Lazy<GrpcChannel>(() => http.CreateChannel(AddressOf(node), "sync", node.Region))).Value;

    public void Dispose()
    {
        foreach (var channel in _channels.Values.Where(c => c.IsValueCreated))
            channel.Value.Dispose();
    }

    /// <summary>By which address a node is reached from here.</summary>
    /// <exception cref="InvalidOperationException">It is not configured.</exception>
    public Uri AddressOf(SyncNode node)
    {
        var key = $"Sync:Nodes:{node.Id.Value}:Url";
        return Uri.TryCreate(configuration[key], UriKind.Absolute, out var address)
            && address.Scheme == Uri.UriSchemeHttps
            ? address
            : throw new InvalidOperationException($"{key} takes the https URL of {node.Name}.");
    }
}
