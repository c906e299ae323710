using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.ServiceDefaults;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Sealing;

namespace Lepton.Sync.Replication.Wire;

/// <summary>What other nodes ask of replication: from the wire to <see cref="ReplicationSource"/> and back.</summary>
internal class PeerService(ReplicationSource source, IHostApplicationLifetime lifetime)
    : V1.PeerService.PeerServiceBase
{
    private const string Service = "sync";
    private const int KeysMax = 1000;

    public override async Task Replicate(IAsyncStreamReader<V1.ReplicateRequest> requestStream,
        IServerStreamWriter<V1.ReplicateResponse> responseStream, ServerCallContext context)
    {
        var caller = context.RequireService(Service);
        if (!await requestStream.MoveNext(context.CancellationToken) || requestStream.Current.Start is not { } start)
            throw RpcErrors.FieldInvalid("start", "the first message begins the stream.");
        await source.NoticeEpochAsync(requestStream.Current.Epoch, context.CancellationToken);
        var (stream, refusal) = source.Open(
            caller.Region, start.Node, start.Timeline, new LogPosition(start.Position));
        if (stream is null)
            throw PeerErrors.Of(refusal ?? StreamEnd.NotReady, start.Node);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, lifetime.ApplicationStopping);
        var listening = ListenAsync(stream, requestStream, ending);
        try
        {
            await foreach (var message in stream.ReadAsync(ending.Token))
            {
                if (message is SourceEnd end)
                    throw PeerErrors.Of(end.Reason, start.Node);
                await responseStream.WriteAsync(ToWire(message), ending.Token);
            }
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            // The receiver said that it has enough, or said something that cannot be understood.
        }
        finally
        {
            source.Close(stream);
            await ending.CancelAsync();
            await listening.ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            throw PeerErrors.Stopping();
        await listening; // its fault is the reason
    }

    public override async Task CopySlots(V1.CopySlotsRequest request,
        IServerStreamWriter<V1.CopySlotsResponse> responseStream, ServerCallContext context)
    {
        var caller = context.RequireService(Service);
        if (request.Slots.Count is 0 or > SlotId.Count || request.Slots.Any(s => s is < 0 or >= SlotId.Count))
            throw RpcErrors.FieldInvalid("slots", $"1 to {SlotId.Count} numbers from 0 to {SlotId.Count - 1}.");
        if (request.ClassId is < 0 or > short.MaxValue)
            throw RpcErrors.FieldInvalid("class_id", $"0 to {short.MaxValue}.");
        ClassId recordClass = new((short)request.ClassId);
        SlotId[] slots = [.. request.Slots.Select(s => new SlotId((short)s))];
        var verdict = await source.JudgeCopyAsync(
            caller.Region, request.Node, request.Epoch, recordClass, slots, context.CancellationToken);
        if (verdict != CopyVerdict.Allowed)
            throw PeerErrors.Of(verdict, request.Node);
        // Most slots of a small class are empty: one message for all of them.
        V1.CopySlotsResponse empty = new();
        await foreach (var rows in source.CopyAsync(recordClass, slots, context.CancellationToken))
        {
            if (rows is { IsLast: true, Batch.IsEmpty: true })
                empty.EmptySlots.Add(rows.Slot.Value);
            else
                await responseStream.WriteAsync(ToWire(rows), context.CancellationToken);
        }
        if (empty.EmptySlots.Count > 0)
            await responseStream.WriteAsync(empty, context.CancellationToken);
    }

    public override Task<V1.GetDataKeysResponse> GetDataKeys(V1.GetDataKeysRequest request, ServerCallContext context)
    {
        var caller = context.RequireService(Service);
        if (request.KeyIds.Count is 0 or > KeysMax)
            throw RpcErrors.FieldInvalid("key_ids", $"1 to {KeysMax} ids.");
        KeyId[] ids = [.. request.KeyIds.Select(bytes => RowCodec.TryGuid(bytes, out var id) && id != Guid.Empty
            ? new KeyId(id)
            : throw RpcErrors.FieldInvalid("key_ids", "ids of 16 bytes, not all zero."))];
        var found = source.KeysFor(caller.Region, ids);
        return Task.FromResult(new V1.GetDataKeysResponse { Keys = { ids.Zip(found, KeyCodec.ToWire) } });
    }

    private async Task ListenAsync(
        SourceStream stream, IAsyncStreamReader<V1.ReplicateRequest> requests, CancellationTokenSource ending)
    {
        try
        {
            while (await requests.MoveNext(ending.Token))
            {
                await source.NoticeEpochAsync(requests.Current.Epoch, ending.Token);
                source.Acknowledge(
                    stream, new LogPosition(requests.Current.AcknowledgedPosition), requests.Current.Epoch);
            }
        }
        finally
        {
            await ending.CancelAsync();
        }
    }

    private static V1.CopySlotsResponse ToWire(CopiedRows rows) => new()
    {
        Slot = rows.Slot.Value,
        Batch = UnsafeByteOperations.UnsafeWrap(rows.Batch),
        Crc32C = rows.Crc,
        Last = rows.IsLast,
    };

    private static V1.ReplicateResponse ToWire(SourceMessage message)
    {
        V1.ReplicateResponse response = new()
        {
            Epoch = message.Epoch,
            Position = message.Position.Value,
            SourceTime = message.SourceTime is { } time ? Timestamp.FromDateTimeOffset(time) : null,
        };
        if (message is SourceBegin begin)
            response.Begin = new V1.ReplicateBegin { Timeline = begin.Timeline, Position = begin.Position.Value };
        if (message is SourceFrame frame)
            response.Frame = new V1.ReplicateFrame
            {
                Position = frame.Position.Value,
                Batch = UnsafeByteOperations.UnsafeWrap(frame.Batch),
                Crc32C = frame.Crc,
            };
        return response;
    }
}
