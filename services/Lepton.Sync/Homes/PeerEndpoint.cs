using Google.Protobuf;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.ServiceDefaults;
using Lepton.Sync.Erasure;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Replication;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;
using Lepton.Sync.Tombstones;
using Lepton.Sync.V1;

namespace Lepton.Sync.Homes;

/// <summary>
/// PeerService: what other nodes ask of this one. The caller's region is its certificate's, and no row of a class
/// leaves for a region that the class does not allow (S6).
/// </summary>
internal sealed class PeerEndpoint(
    ReplicationSource source, IHostApplicationLifetime lifetime, ITopologySource topology, RequestReader reader,
    LocalHome local, PeerWatch watch, ErasureEndpoint erasures, SettledTombstones settled, HomeMetrics metrics,
    TimeProvider time)
    : Replication.Wire.PeerService(source, lifetime)
{
    private const int ScanMax = 10_000;

    public override async Task<WriteAtHomeResponse> WriteAtHome(WriteAtHomeRequest request, ServerCallContext context)
    {
        var caller = context.GetCaller();
        var commands = WithSubjects(reader.Writes(request.Writes, caller), request.SubjectDigests);
        foreach (var command in commands)
            RequireAllowed(command.Address.Class, caller);
        var wish = reader.Level(request.Level, request.OtherRegions, commands);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        if (context.Deadline != DateTime.MaxValue)
            patience.CancelAfter(Left(context));
        var replies = await Task.WhenAll(commands.Select(command =>
            local.WriteAsync(request.Epoch, command, wish, patience.Token)));
        foreach (var reply in replies)
            metrics.Refused(reply.Reason);
        return new WriteAtHomeResponse
        {
            Results =
            {
                replies.Select(reply => new HomeResult
                {
                    Result = Wire.Result(reply),
                    Reason = reply.Reason == HomeReason.Ok
                        ? ""
                        : RpcErrors.ReasonOf(SyncErrors.ReasonOf(reply.Reason)),
                    Message = SyncErrors.MessageOf(reply),
                }),
            },
        };
    }

    public override async Task<ReadAtHomeResponse> ReadAtHome(ReadAtHomeRequest request, ServerCallContext context)
    {
        var caller = context.GetCaller();
        if (request.Keys.Count is 0 or > RequestReader.BatchMax)
            throw SyncErrors.FieldInvalid("keys", $"takes 1 to {RequestReader.BatchMax}");
        List<RecordAddress> addresses =
        [
            .. request.Keys.Select((key, i) =>
                reader.Address($"keys[{i}]", key, caller, Platform.V1.Permission.RecordsRead)),
        ];
        foreach (var address in addresses)
            RequireAllowed(address.Class, caller);
        return Rows(await local.ReadAsync(request.Epoch, addresses, context.CancellationToken));
    }

    public override async Task<ScanSlotsResponse> ScanSlots(ScanSlotsRequest request, ServerCallContext context)
    {
        var now = topology.Current;
        if (request.ClassId < 0 || request.ClassId >= now.Classes.Count)
            throw SyncErrors.Of(HomeReason.EpochStale, now.Epoch);
        if (request.Limit is < 1 or > ScanMax)
            throw SyncErrors.FieldInvalid("limit", $"takes 1 to {ScanMax}");
        if (request.Slots.Count == 0 || request.Slots.Any(s => s is < 0 or >= SlotId.Count))
            throw SyncErrors.FieldInvalid("slots", $"takes 1 or more of 0 to {SlotId.Count - 1}");
        ClassId id = new((short)request.ClassId);
        RequireAllowed(now[id], context.GetCaller());
        ScanRange range = new(
            id, [.. request.Slots.Select(s => new SlotId((short)s))], request.Prefix.Memory, request.After.Memory,
            request.Tombstones);
        var reply = await local.ScanAsync(
            request.Epoch, range, request.Limit, request.Home, context.CancellationToken);
        ScanSlotsResponse response = new();
        foreach (var row in Rows(reply).Rows)
            response.Rows.Add(row);
        return response;
    }

    public override async Task<AskResponse> Ask(AskRequest request, ServerCallContext context)
    {
        var asker = Node(request.Node, context.GetCaller());
        var noMoreFor = request.NoMoreFor.Length == 0
            ? null
            : topology.Current.FindNode(request.NoMoreFor)
                ?? throw SyncErrors.NodeUnknown(request.NoMoreFor, topology.Current);
        var word = await watch.AnswerAsync(asker, request.Epoch, noMoreFor, context.CancellationToken);
        AskResponse response = new() { Epoch = word.Epoch, Vouches = word.Vouches };
        foreach (var sight in word.Sights)
        {
            V1.PeerSight wire = new()
            {
                Node = topology.Current[sight.Node].Name, Position = sight.Position.Value, Timeline = sight.Timeline,
            };
            if (sight.Silence is { } silence)
                wire.Silence = Duration.FromTimeSpan(silence);
            if (sight.Staleness is { } staleness)
                wire.Staleness = Duration.FromTimeSpan(staleness);
            response.Peers.Add(wire);
        }
        return response;
    }

    public override async Task<GetSettledTombstonesResponse> GetSettledTombstones(
        GetSettledTombstonesRequest request, ServerCallContext context)
    {
        if (request.Epoch > topology.Current.Epoch)
            await topology.RefreshAsync(context.CancellationToken);
        var now = topology.Current;
        if (request.Epoch < now.Epoch || request.ClassId < 0 || request.ClassId >= now.Classes.Count)
            throw SyncErrors.Of(HomeReason.EpochStale, now.Epoch);
        ClassId id = new((short)request.ClassId);
        RequireAllowed(now[id], context.GetCaller());
        var known = settled.Of(id);
        GetSettledTombstonesResponse response = new() { Epoch = known.Epoch };
        foreach (var group in known.Slots)
            response.Settled.Add(new V1.SettledSlots
            {
                Slots = { group.Slots.Select(s => (int)s.Value) }, Before = group.Before,
            });
        return response;
    }

    public override Task<ApplyErasureResponse> ApplyErasure(ApplyErasureRequest request, ServerCallContext context) =>
        erasures.ApplyAsync(request, context);

    public override Task<FindErasureResponse> FindErasure(FindErasureRequest request, ServerCallContext context) =>
        erasures.FindAsync(request, context);

    /// <summary>The node that a caller says it is: its certificate must be of that node's region.</summary>
    private Placement.SyncNode Node(string name, Caller caller)
    {
        var node = topology.Current.FindNode(name) ?? throw SyncErrors.NodeUnknown(name, topology.Current);
        return caller.IsService("sync", node.Region)
            ? node
            : throw SyncErrors.ResidencyRefused($"{caller.Principal} is no node of {node.Region}.");
    }

    private static IReadOnlyList<WriteCommand> WithSubjects(
        IReadOnlyList<WriteCommand> commands, RepeatedField<ByteString> digests)
    {
        if (digests.Count == 0)
            return commands;
        if (digests.Count != commands.Count || digests.Any(d => d.Length is not (0 or BlindingKey.DigestBytes)))
            throw SyncErrors.FieldInvalid(
                "subject_digests", $"takes one for each write, of {BlindingKey.DigestBytes} bytes or empty");
        return [.. commands.Zip(digests, (command, digest) => digest.IsEmpty
            ? command
            : command with { SubjectDigest = new SubjectDigest(command.Address.Tenant, digest.ToByteArray()) })];
    }

    private void RequireAllowed(Placement.RecordClass recordClass, Caller caller)
    {
        if (!topology.MayHold(recordClass, caller.Region))
            throw SyncErrors.ResidencyRefused(
                $"Class {recordClass.Name} is for {string.Join(", ", recordClass.Regions)}, not for {caller.Region}.");
    }

    private ReadAtHomeResponse Rows(ReadReply reply)
    {
        metrics.Refused(reply.Reason);
        if (reply.Reason != HomeReason.Ok)
            throw SyncErrors.Of(reply.Reason, topology.Current.Epoch);
        ReadAtHomeResponse response = new();
        response.Rows.AddRange(reply.Rows.Select(row => row is null ? new StoredRow() : RowCodec.ToRow(row)));
        return response;
    }

    private TimeSpan Left(ServerCallContext context)
    {
        var left = context.Deadline - time.GetUtcNow().UtcDateTime - TimeSpan.FromMilliseconds(50);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
