using Google.Protobuf.Collections;
using Grpc.Core;
using Lepton.Sync.Homes;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Wire;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Tombstones;

/// <summary>The homes of what this node holds.</summary>
internal interface ITombstonePeers
{
    /// <summary>What is settled of a class at a home; null: it does not answer, or by another map.</summary>
    Task<SettledClass?> ReadSettledAsync(
        Placement.SyncNode home, long epoch, ClassId recordClass, CancellationToken cancellationToken);
}

/// <summary>By gRPC over mutual TLS.</summary>
internal sealed class GrpcTombstonePeers(GrpcPeers channels, IOptions<HomeOptions> options, TimeProvider time)
    : ITombstonePeers
{
    public async Task<SettledClass?> ReadSettledAsync(
        Placement.SyncNode home, long epoch, ClassId recordClass, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await new V1.PeerService.PeerServiceClient(channels.ChannelTo(home))
                .GetSettledTombstonesAsync(
                    new V1.GetSettledTombstonesRequest { Epoch = epoch, ClassId = recordClass.Value },
                    deadline: (time.GetUtcNow() + options.Value.PeerTimeMax).UtcDateTime,
                    cancellationToken: cancellationToken);
            return answer.Epoch == epoch
                ? new SettledClass(epoch, [.. answer.Settled.Select(s => new SettledSlots(Slots(s.Slots), s.Before))])
                : null;
        }
        catch (RpcException) when (!cancellationToken.IsCancellationRequested)
        {
            return null; // asked again with the next round
        }
    }

    private static IReadOnlyList<SlotId> Slots(RepeatedField<int> slots) =>
        [.. slots.Where(s => s is >= 0 and < SlotId.Count).Select(s => new SlotId((short)s))];
}
