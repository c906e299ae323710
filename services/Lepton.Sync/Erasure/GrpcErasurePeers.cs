using System.Collections.Concurrent;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.ServiceDefaults;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Erasure;

/// <summary>Where a node is reached: an https address, or null where it is not known.</summary>
internal delegate Uri? PeerAddress(SyncNode node);

/// <summary>Orders over mTLS; what comes back counts only with the node's own signature.</summary>
internal sealed partial class GrpcErasurePeers(
    PeerHttp http, PeerAddress addresses, TlsMaterial material, IOptions<ErasureOptions> options, TimeProvider time,
    ILogger<GrpcErasurePeers> logger) : IErasurePeers, IErasureWitnesses, IDisposable
{
    private readonly ConcurrentDictionary<Uri, GrpcChannel> _channels = new(); // as many as the topology has nodes

    public async Task<PeerErasure?> ApplyAsync(
        SyncNode node, ErasureOrder order, IReadOnlyList<KeyId> keys, CancellationToken cancellationToken)
    {
        if (ClientOf(node) is not { } client)
        {
            LogFailed(order.Id, node.Name, "its address is not known");
            return null;
        }
        try
        {
            var response = await client.ApplyErasureAsync(
                RequestOf(order, keys), deadline: time.GetUtcNow().UtcDateTime + options.Value.CallTimeMax,
                cancellationToken: cancellationToken);
            var receipt = ErasureMessages.Read(response.Receipt);
            var fault = Receipts.Fault(receipt, order, node.Name, node.Region, material.IsTrustedServer);
            if (fault is null)
                return new PeerErasure(receipt, ErasureMessages.Read(response.KeyIds));
            LogForged(order.Id, node.Name, fault);
        }
        catch (RpcException e)
        {
            LogFailed(order.Id, node.Name, e.Status.Detail);
        }
        catch (FormatException e)
        {
            LogFailed(order.Id, node.Name, e.Message);
        }
        return null;
    }

    public async Task<ErasureWord?> FindAsync(SyncNode node, Guid id, CancellationToken cancellationToken)
    {
        if (ClientOf(node) is not { } client)
            return null;
        try
        {
            var word = await client.FindErasureAsync(
                new V1.FindErasureRequest { ErasureId = id.ToString() },
                deadline: time.GetUtcNow().UtcDateTime + options.Value.AskTimeMax,
                cancellationToken: cancellationToken);
            return new ErasureWord(word.Erasure, word.Node);
        }
        catch (RpcException e) when (!cancellationToken.IsCancellationRequested)
        {
            LogNotFound(id, node.Name, e.Status.Detail);
            return null;
        }
    }

    public void Dispose()
    {
        foreach (var channel in _channels.Values)
            channel.Dispose();
    }

    private V1.PeerService.PeerServiceClient? ClientOf(SyncNode node) => addresses(node) is { } address
        ? new(_channels.GetOrAdd(address, a => http.CreateChannel(a, "sync", node.Region)))
        : null;

    private static V1.ApplyErasureRequest RequestOf(ErasureOrder order, IReadOnlyList<KeyId> keys) => new()
    {
        ErasureId = order.Id.ToString(),
        Tenant = order.Subject.Tenant,
        SubjectDigest = ByteString.CopyFrom(order.Subject.Digest.Span),
        OrderTime = Timestamp.FromDateTimeOffset(order.OrderTime),
        KeyIds = { ErasureMessages.Write(keys) },
        Node = order.OrderedBy,
    };

    [LoggerMessage(LogLevel.Warning, "Erasure {Id} did not come through to {Node}: {Why}")]
    private partial void LogFailed(Guid id, string node, string why);

    [LoggerMessage(LogLevel.Debug, "{Node} does not say how erasure {Id} stands: {Why}")]
    private partial void LogNotFound(Guid id, string node, string why);

    [LoggerMessage(LogLevel.Error, "Erasure {Id}: the receipt of {Node} is not taken: {Why}")]
    private partial void LogForged(Guid id, string node, string why);
}
