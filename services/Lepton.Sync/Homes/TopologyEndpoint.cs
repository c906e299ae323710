using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Platform.V1;
using Lepton.ServiceDefaults;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.V1;

namespace Lepton.Sync.Homes;

/// <summary>TopologyService: what this node knows of the map, and an operator's word.</summary>
internal sealed class TopologyEndpoint(
    ITopologySource topology, ITopologyStore store, RequestReader reader, PeerWatch peers, ReplicaView replicas,
    Promoter promoter, TimeProvider time)
    : TopologyService.TopologyServiceBase
{
    public override Task<GetTopologyResponse> GetTopology(GetTopologyRequest request, ServerCallContext context)
    {
        var now = topology.Current;
        GetTopologyResponse response = new()
        {
            Epoch = now.Epoch,
            Store = store.Kind,
            Classes = { now.Classes.Select(ClassOf) },
        };
        if (topology.ConfirmedAt is { } at)
            response.StoreTime = (time.GetUtcNow() - time.GetElapsedTime(at)).ToTimestamp();
        var (homes, held) = Count(now);
        foreach (var node in now.Nodes)
            response.Nodes.Add(new V1.SyncNode
            {
                Name = node.Name, Region = node.Region, Zone = node.Zone, Weight = node.Weight,
                HomeSlots = homes[node.Id.Value], Slots = held[node.Id.Value],
                Reachable = peers.IsReachable(node.Id),
            });
        return Task.FromResult(response);
    }

    public override Task<LocateResponse> Locate(LocateRequest request, ServerCallContext context)
    {
        // Where a key is may be asked of any node: no record is read, and its key goes nowhere.
        var caller = context.GetCaller();
        if (request.Key is null)
            throw SyncErrors.FieldInvalid("key", "is required");
        var now = topology.Current;
        var recordClass = now.FindClass(request.Key.RecordClass)
            ?? throw SyncErrors.ClassUnknown("key.record_class", request.Key.RecordClass, now);
        var address = reader.Address(
            recordClass, reader.Tenant(caller, request.Key.Tenant, Permission.NodesRead), request.Key.Key);
        var map = now.MapOf(recordClass.Id);
        LocateResponse response = new()
        {
            Slot = address.Slot.Value, Epoch = now.Epoch, Term = map.Term(address.Slot),
        };
        var home = map.Home(address.Slot);
        foreach (var replica in map.Replicas(address.Slot))
            response.Replicas.Add(PlaceOf(now, address, home, replica));
        return Task.FromResult(response);
    }

    public override async Task<PromoteResponse> Promote(PromoteRequest request, ServerCallContext context)
    {
        var gone = topology.Current.FindNode(request.Node)
            ?? throw SyncErrors.NodeUnknown(request.Node, topology.Current);
        if (gone.Id == topology.Self.Id)
            throw SyncErrors.FieldInvalid("node", "takes another node than the one that is asked: this one is alive");
        var answer = await promoter.PromoteAsync(gone, request.AcceptLoss, context.CancellationToken);
        if (answer is not PromotionAnswer.Done done)
            throw SyncErrors.Of(answer, gone.Name);
        PromoteResponse response = new()
        {
            Epoch = done.Topology.Epoch, WaitingSlots = done.WaitingSlots, ServeTime = done.ServeTime.ToTimestamp(),
        };
        foreach (var (node, slots) in done.Promoted)
            response.Promoted.Add(done.Topology[node].Name, slots);
        return response;
    }

    private ReplicaPlace PlaceOf(Topology now, RecordAddress address, NodeId home, NodeId replica)
    {
        ReplicaPlace place = new()
        {
            Node = now[replica].Name, Home = replica == home, Reachable = peers.IsReachable(replica),
        };
        if (replica == home)
            return place;
        // By the replica's own word, or this node's own sight.
        var behind = replica == topology.Self.Id
            ? replicas.StalenessOf(home, address.Class.Id, address.Slot)
            : peers.WordOf(replica)?.Sights.FirstOrDefault(s => s.Node == home)?.Staleness;
        if (behind is { } age)
            place.Lag = Duration.FromTimeSpan(age);
        if (home == topology.Self.Id)
            place.LagBytes = replicas.BehindBytes(replica, address.Class.Id, address.Slot) ?? 0;
        return place;
    }

    private static (int[] Homes, int[] Held) Count(Topology now)
    {
        var (homes, held) = (new int[now.Nodes.Count], new int[now.Nodes.Count]);
        foreach (var recordClass in now.Classes)
        {
            var map = now.MapOf(recordClass.Id);
            for (short slot = 0; slot < SlotId.Count; slot++)
            {
                homes[map.Home(new SlotId(slot)).Value]++;
                foreach (var replica in map.Replicas(new SlotId(slot)))
                    held[replica.Value]++;
            }
        }
        return (homes, held);
    }

    private static V1.RecordClass ClassOf(Placement.RecordClass recordClass) => new()
    {
        Name = recordClass.Name,
        DataClass = recordClass.DataClass,
        Regions = { recordClass.Regions },
        CopyRegions = recordClass.CopyRegions,
        CopyZones = recordClass.CopyZones,
        HomeRegion = recordClass.HomeRegion ?? "",
        BlindKeys = recordClass.Keys == KeyForm.Blind,
        DefaultLevel = Levels.DefaultOf(recordClass),
    };
}
