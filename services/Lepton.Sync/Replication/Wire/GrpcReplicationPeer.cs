using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;
using Lepton.ServiceDefaults;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Receiver;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Sealing;

namespace Lepton.Sync.Replication.Wire;

/// <summary>Another node over gRPC.</summary>
internal sealed class GrpcReplicationPeer(
    Func<V1.PeerService.PeerServiceClient> client, string self, ReplicationOptions options, TimeProvider time)
    : IReplicationPeer
{
    private static readonly TimeSpan KeysTimeMax = TimeSpan.FromSeconds(10);

    public async Task<IReplicationStream> OpenAsync(
        string timeline, LogPosition position, CancellationToken cancellationToken)
    {
        // No deadline: it lives as long as both nodes. Silence ends it.
        var call = client().Replicate(cancellationToken: CancellationToken.None);
        Stream stream = new(call);
        try
        {
            await call.RequestStream.WriteAsync(new V1.ReplicateRequest
            {
                Start = new V1.ReplicateStart { Node = self, Timeline = timeline, Position = position.Value },
            }, cancellationToken);
            return stream;
        }
        catch (Exception e) when (IsFault(e))
        {
            await stream.DisposeAsync();
            throw new IOException($"The stream could not be opened: {e.Message}", e);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    public async IAsyncEnumerable<CopiedRows> CopyAsync(ClassId recordClass, IReadOnlyList<SlotId> slots, long epoch,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var call = client().CopySlots(
            new V1.CopySlotsRequest
            {
                Node = self, Epoch = epoch, ClassId = recordClass.Value, Slots = { slots.Select(s => (int)s.Value) },
            },
            deadline: time.GetUtcNow().UtcDateTime + options.CopyTimeMax, cancellationToken: cancellationToken);
        while (await MoveAsync(call.ResponseStream, cancellationToken))
        {
            var rows = call.ResponseStream.Current;
            if (rows.EmptySlots.Count == 0)
                yield return new CopiedRows(ToSlot(rows.Slot), rows.Batch.Memory, rows.Crc32C, rows.Last);
            foreach (var slot in rows.EmptySlots)
                yield return new CopiedRows(ToSlot(slot), default, Crc32C.Of([]), IsLast: true);
        }
    }

    public async Task<IReadOnlyList<DataKeyLookup>> GetKeysAsync(
        IReadOnlyList<KeyId> ids, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await client().GetDataKeysAsync(
                new V1.GetDataKeysRequest { KeyIds = { ids.Select(id => RowCodec.ToBytes(id.Value)) } },
                deadline: time.GetUtcNow().UtcDateTime + KeysTimeMax, cancellationToken: cancellationToken);
            return answer.Keys.Count == ids.Count
                ? [.. answer.Keys.Select(KeyCodec.FromWire)]
                : throw new IOException("Another number of keys was answered than was asked for.");
        }
        catch (RpcException e)
        {
            throw new IOException($"Data keys could not be had: {e.Status.Detail}", e);
        }
    }

    // What is no slot was asked for by nobody, and is refused as such.
    private static SlotId ToSlot(int number) => new((short)Math.Clamp(number, -1, short.MaxValue));

    private static async Task<bool> MoveAsync(
        IAsyncStreamReader<V1.CopySlotsResponse> rows, CancellationToken cancellationToken)
    {
        try
        {
            return await rows.MoveNext(cancellationToken);
        }
        catch (RpcException e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new IOException($"Slots could not be copied: {e.Status.Detail}", e);
        }
    }

    // A write into a broken connection throws others than RpcException.
    private static bool IsFault(Exception e) =>
        e is RpcException or InvalidOperationException or HttpRequestException or SocketException or IOException;

    private sealed class Stream(AsyncDuplexStreamingCall<V1.ReplicateRequest, V1.ReplicateResponse> call)
        : IReplicationStream
    {
        public async Task<SourceMessage?> ReadAsync(CancellationToken cancellationToken)
        {
            try
            {
                return await call.ResponseStream.MoveNext(cancellationToken) ? From(call.ResponseStream.Current) : null;
            }
            catch (RpcException e)
            {
                cancellationToken.ThrowIfCancellationRequested();
                return RpcErrors.ReasonOf(e) == RpcErrors.ReasonOf(V1.ErrorReason.PositionLost)
                    ? new SourceEnd(0, StreamEnd.PositionLost)
                    : throw new IOException($"The stream broke: {e.StatusCode} {e.Status.Detail}", e);
            }
        }

        public async Task AcknowledgeAsync(LogPosition position, long epoch, CancellationToken cancellationToken)
        {
            try
            {
                await call.RequestStream.WriteAsync(
                    new V1.ReplicateRequest { AcknowledgedPosition = position.Value, Epoch = epoch },
                    cancellationToken);
            }
            catch (Exception e) when (IsFault(e))
            {
                throw new IOException($"The stream broke: {e.Message}", e);
            }
        }

        public ValueTask DisposeAsync()
        {
            call.Dispose();
            return default;
        }

        private static SourceMessage From(V1.ReplicateResponse message)
        {
            LogPosition position = new(message.Position);
            DateTimeOffset? time = message.SourceTime?.ToDateTimeOffset();
            if (message.Begin is { } begin)
                return new SourceBegin(message.Epoch, new LogPosition(begin.Position), begin.Timeline);
            return message.Frame is { } frame
                ? new SourceFrame(
                    message.Epoch, new LogPosition(frame.Position), time, frame.Batch.Memory, frame.Crc32C)
                : new SourceBeat(message.Epoch, position, time);
        }
    }
}
