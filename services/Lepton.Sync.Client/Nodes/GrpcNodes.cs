using System.Runtime.CompilerServices;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.ServiceDefaults;
using Lepton.Sync.V1;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Client;

/// <summary>The nodes over gRPC: mutual TLS, and each must be Sync's node of the region that is meant.</summary>
internal sealed class GrpcNodes : INodes, IDisposable
{
    private readonly TimeProvider _time;
    private readonly Node[] _nodes;
    private readonly Metadata _class = [new("x-lepton-record-class", GlobalRecords.Class)];

    public GrpcNodes(
        IOptions<SyncClientOptions> options, IOptions<ServiceOptions> place, PeerHttp peers, TimeProvider time)
    {
        _time = time;
        _nodes = [.. options.Value.Nodes.Select(node => new Node(node.Url, peers.CreateChannel(
            new Uri(node.Url), "sync", node.Region.Length > 0 ? node.Region : place.Value.Region)))];
    }

    public int Count => _nodes.Length;

    public string NameOf(int node) => _nodes[node].Url;

    public Task<GetResponse> GetAsync(
        int node, GetRequest request, TimeSpan timeMax, CancellationToken cancellationToken) =>
        CallAsync(_nodes[node].Records.GetAsync(request, Options(timeMax, cancellationToken)), cancellationToken);

    public Task<PutResponse> PutAsync(
        int node, PutRequest request, TimeSpan timeMax, CancellationToken cancellationToken) =>
        CallAsync(_nodes[node].Records.PutAsync(request, Options(timeMax, cancellationToken)), cancellationToken);

    public Task<DeleteResponse> DeleteAsync(
        int node, DeleteRequest request, TimeSpan timeMax, CancellationToken cancellationToken) =>
        CallAsync(_nodes[node].Records.DeleteAsync(request, Options(timeMax, cancellationToken)), cancellationToken);

    public Task<ScanResponse> ScanAsync(
        int node, ScanRequest request, TimeSpan timeMax, CancellationToken cancellationToken) =>
        CallAsync(_nodes[node].Records.ScanAsync(request, Options(timeMax, cancellationToken)), cancellationToken);

    public async IAsyncEnumerable<WatchResponse> WatchAsync(
        int node, WatchRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // No deadline: who reads it bounds each message's wait.
        using var call = _nodes[node].Records.Watch(request, _class, cancellationToken: cancellationToken);
        while (true)
        {
            try
            {
                if (!await call.ResponseStream.MoveNext(cancellationToken))
                    throw new NodeFault(NodeFaultKind.NotDone, "ENDED", "The node ended the watch.");
            }
            catch (RpcException e)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw NodeFault.Of(e);
            }
            yield return call.ResponseStream.Current;
        }
    }

    public void Dispose()
    {
        foreach (var node in _nodes)
            node.Channel.Dispose();
    }

    private CallOptions Options(TimeSpan timeMax, CancellationToken cancellationToken) =>
        new(_class, _time.GetUtcNow().UtcDateTime + timeMax, cancellationToken);

    private static async Task<T> CallAsync<T>(AsyncUnaryCall<T> call, CancellationToken cancellationToken)
    {
        using (call)
            try
            {
                return await call;
            }
            catch (RpcException e)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw NodeFault.Of(e);
            }
    }

    private sealed record Node(string Url, GrpcChannel Channel)
    {
        public RecordService.RecordServiceClient Records { get; } = new(Channel);
    }
}
