using Google.Protobuf;
using Grpc.Core;
using Lepton.ServiceDefaults;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Replication.Wire;

namespace Lepton.Sync.Tests.Replication.World;

/// <summary>A node that says something else than it should: its own answers, changed.</summary>
internal sealed class ChangedAnswers(
    PeerService own, Action<string, V1.ReplicateResponse> change, Action<V1.CopySlotsResponse>? changeCopy = null)
    : V1.PeerService.PeerServiceBase
{
    public override async Task Replicate(IAsyncStreamReader<V1.ReplicateRequest> requestStream,
        IServerStreamWriter<V1.ReplicateResponse> responseStream, ServerCallContext context)
    {
        Eavesdropper requests = new(requestStream);
        await own.Replicate(requests, new Writer<V1.ReplicateResponse>(
            responseStream, message => change(requests.Node, message)), context);
    }

    public override Task CopySlots(V1.CopySlotsRequest request,
        IServerStreamWriter<V1.CopySlotsResponse> responseStream, ServerCallContext context) =>
        own.CopySlots(request, new Writer<V1.CopySlotsResponse>(
            responseStream, message => changeCopy?.Invoke(message)), context);

    public override Task<V1.GetDataKeysResponse> GetDataKeys(
        V1.GetDataKeysRequest request, ServerCallContext context) => own.GetDataKeys(request, context);

    /// <summary>Puts rows into a frame, or changes those in it; its checksum is right.</summary>
    public static void Rewrite(V1.ReplicateFrame frame, Func<StoredRecord, StoredRecord?> change,
        params StoredRecord[] more)
    {
        (frame.Batch, frame.Crc32C) = Rewritten(frame.Batch, change, more);
    }

    public static (ByteString Batch, uint Crc) Rewritten(
        ByteString batch, Func<StoredRecord, StoredRecord?> change, params StoredRecord[] more)
    {
        byte[] bytes = [.. RowCodec.Decode(batch.Memory)!.Select(change).OfType<StoredRecord>().Concat(more)
            .SelectMany(RowCodec.Encode)];
        return (ByteString.CopyFrom(bytes), Crc32C.Of(bytes));
    }

    private sealed class Eavesdropper(IAsyncStreamReader<V1.ReplicateRequest> inner)
        : IAsyncStreamReader<V1.ReplicateRequest>
    {
        public string Node { get; private set; } = "";

        public V1.ReplicateRequest Current => inner.Current;

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            bool more = await inner.MoveNext(cancellationToken);
            if (more && inner.Current.Start is { } start)
                Node = start.Node;
            return more;
        }
    }

    private sealed class Writer<T>(IServerStreamWriter<T> inner, Action<T> change) : IServerStreamWriter<T>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(T message) => WriteAsync(message, default);

        public Task WriteAsync(T message, CancellationToken cancellationToken)
        {
            change(message);
            return inner.WriteAsync(message, cancellationToken);
        }
    }
}
