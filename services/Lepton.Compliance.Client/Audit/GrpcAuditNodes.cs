using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Client.Audit;

/// <summary>Over gRPC: mutual TLS, and each must be Compliance of the region that is meant.</summary>
internal sealed class GrpcAuditNodes : IAuditNodes, IDisposable
{
    private readonly (string Url, GrpcChannel Channel)[] _nodes;

    public GrpcAuditNodes(IOptions<AuditOptions> options, IOptions<ServiceOptions> place, PeerHttp peers) =>
        _nodes = [.. options.Value.Nodes.Select(node => (node.Url, peers.CreateChannel(
            new Uri(node.Url), "compliance", node.Region.Length > 0 ? node.Region : place.Value.Region)))];

    public int Count => _nodes.Length;

    public string NameOf(int node) => _nodes[node].Url;

    public IAuditStream Open(int node) =>
        new Stream(new AuditService.AuditServiceClient(_nodes[node].Channel).Append());

    public void Dispose()
    {
        foreach ((_, GrpcChannel channel) in _nodes)
            channel.Dispose();
    }

    // No deadline for the call: who sends bounds each batch's time, and ends the call when it is over.
    private sealed class Stream(AsyncDuplexStreamingCall<AppendRequest, AppendResponse> call) : IAuditStream
    {
        public async Task SendAsync(AppendRequest batch, CancellationToken cancellationToken)
        {
            try
            {
                await call.RequestStream.WriteAsync(batch, cancellationToken);
            }
            catch (Exception e) when (e is InvalidOperationException or RpcException)
            {
                // The call has ended: its status, which the read below throws, says why.
            }
            if (!await call.ResponseStream.MoveNext(cancellationToken))
                throw new RpcException(new Status(StatusCode.Unavailable, "The node ended the stream."));
            if (call.ResponseStream.Current.Batch != batch.Batch)
                throw new RpcException(new Status(StatusCode.Internal,
                    $"The node answered for batch {call.ResponseStream.Current.Batch}, not {batch.Batch}."));
        }

        public void Dispose() => call.Dispose();
    }
}
