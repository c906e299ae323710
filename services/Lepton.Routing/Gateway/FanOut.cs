using Google.Protobuf;
using Grpc.Core;
using Lepton.Routing.Registry;
using Lepton.ServiceDefaults;
using OpenInference;

namespace Lepton.Routing.Gateway;

/// <summary>
/// Calls that concern every node of the own region: merged listings, and repository calls that all must follow.
/// </summary>
internal sealed class FanOut(SnapshotPublisher snapshots, PeerPool peers, HopAssertions hops, Topology topology)
{
    /// <summary>A node's answer or error.</summary>
    internal readonly record struct Reply<T>(NodeView Node, T? Answer, RpcException? Error)
        where T : class;

    /// <summary>Calls every node that is there and gathers what each said.</summary>
    public async Task<IReadOnlyList<Reply<T>>> CallAsync<T>(
        GatewayCall call, Func<GRPCInferenceService.GRPCInferenceServiceClient, CallOptions, AsyncUnaryCall<T>> method)
        where T : class, IMessage
    {
        NodeView[] nodes = [.. snapshots.Current.Nodes.Where(n => n.State != V1.NodeState.Out)];
        return await Task.WhenAll(nodes.Select(async (node, i) =>
        {
            GRPCInferenceService.GRPCInferenceServiceClient client =
                new(peers.Channel(Peer.Node(topology.Own, node.Url)));
            Metadata headers = new()
            {
                { HopHeader.Name, Convert.FromBase64String(hops.Signed(call, node.Id)) },
            };
            try
            {
                using AsyncUnaryCall<T> made = method(client, new CallOptions(
                    headers, call.Deadline.UtcDateTime, call.Cancellation));
                return new Reply<T>(node, await made, null);
            }
            catch (RpcException e) when (!call.Cancellation.IsCancellationRequested)
            {
                return new Reply<T>(node, null, e);
            }
        }));
    }
}
