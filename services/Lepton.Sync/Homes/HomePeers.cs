using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;
using Lepton.ServiceDefaults;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Wire;
using Lepton.Sync.Storage;
using Lepton.Sync.V1;
using PeerService = Lepton.Sync.V1.PeerService;
using Microsoft.Extensions.Options;
using SyncNode = Lepton.Sync.Placement.SyncNode;

namespace Lepton.Sync.Homes;

/// <summary>The other nodes by gRPC over mutual TLS: each must show the certificate of its own region.</summary>
internal sealed partial class HomePeers(
    GrpcPeers channels, ITopologySource topology, HomeMetrics metrics, IOptions<HomeOptions> options, TimeProvider time,
    ILogger<HomePeers> logger) : IPeers
{
    public async Task<IReadOnlyList<WriteReply>> WriteAsync(
        SyncNode home, long epoch, IReadOnlyList<WriteCommand> commands, LevelWish level,
        CancellationToken cancellationToken)
    {
        metrics.Forwarded("write", home.Name);
        WriteAtHomeRequest request = new()
        {
            Epoch = epoch, Level = level.Level, OtherRegions = level.OtherRegions,
            Writes = { commands.Select(Wire.Write) },
        };
        if (commands.Any(c => c.SubjectDigest is not null))
            request.SubjectDigests.AddRange(commands.Select(c => ByteString.CopyFrom(
                c.SubjectDigest is { } subject ? subject.Digest.Span : [])));
        HomeReason reason;
        try
        {
            // The home waits for the level no longer than its own limit; past that it does not answer at all.
            var response = await ClientOf(home).WriteAtHomeAsync(
                request, Options(options.Value.ConfirmTimeMax + options.Value.PeerTimeMax, cancellationToken));
            if (response.Results.Count == commands.Count)
                return [.. response.Results.Select(ReplyOf)];
            reason = HomeReason.OutcomeUnknown;
        }
        catch (RpcException e)
        {
            // What was refused, or never left, is not written. Of all else nothing is known.
            reason = ReasonOf(e) switch
            {
                { } refused => refused,
                null when WasNotSent(e) => HomeReason.HomeUnavailable,
                null => HomeReason.OutcomeUnknown,
            };
            if (reason == HomeReason.OutcomeUnknown)
                LogUnknown(home.Name, e.StatusCode, e.Status.DebugException);
        }
        return [.. commands.Select(_ => WriteReply.Failed(reason))];
    }

    public async Task<ReadReply> ReadAsync(
        SyncNode home, long epoch, IReadOnlyList<RecordAddress> asked, CancellationToken cancellationToken)
    {
        metrics.Forwarded("read", home.Name);
        ReadAtHomeRequest request = new() { Epoch = epoch, Keys = { asked.Select(Wire.Key) } };
        return await RowsAsync(home, asked.Count, async () => (await ClientOf(home).ReadAtHomeAsync(
            request, Options(options.Value.PeerTimeMax, cancellationToken))).Rows);
    }

    public async Task<ReadReply> ScanAsync(
        SyncNode node, long epoch, ScanRange range, int limit, bool home, CancellationToken cancellationToken)
    {
        metrics.Forwarded("scan", node.Name);
        ScanSlotsRequest request = new()
        {
            Epoch = epoch,
            ClassId = range.Class.Value,
            Slots = { (range.Slots ?? []).Select(s => (int)s.Value) },
            Prefix = UnsafeByteOperations.UnsafeWrap(range.Prefix),
            After = UnsafeByteOperations.UnsafeWrap(range.After),
            Limit = limit,
            Home = home,
            Tombstones = range.Tombstones,
        };
        return await RowsAsync(node, null, async () => (await ClientOf(node).ScanSlotsAsync(
            request, Options(options.Value.PeerTimeMax, cancellationToken))).Rows);
    }

    public async Task<PeerWord?> AskAsync(
        SyncNode node, long epoch, SyncNode? noMoreFor, CancellationToken cancellationToken)
    {
        AskRequest request = new() { Node = topology.Self.Name, Epoch = epoch, NoMoreFor = noMoreFor?.Name ?? "" };
        try
        {
            var word = await ClientOf(node).AskAsync(request, Options(options.Value.PeerTimeMax, cancellationToken));
            var now = topology.Current;
            return new PeerWord(word.Epoch, word.Vouches,
            [
                .. from peer in word.Peers
                   let known = now.FindNode(peer.Node)
                   where known is not null
                   select new PeerSight(known.Id, peer.Silence?.ToTimeSpan(), new LogPosition(peer.Position),
                       peer.Timeline, peer.Staleness?.ToTimeSpan()),
            ]);
        }
        catch (RpcException) when (!cancellationToken.IsCancellationRequested)
        {
            return null; // its silence is what is measured
        }
    }

    private PeerService.PeerServiceClient ClientOf(SyncNode node) => new(channels.ChannelTo(node));

    private async Task<ReadReply> RowsAsync(SyncNode node, int? count, Func<Task<IList<StoredRow>>> call)
    {
        try
        {
            var rows = await call();
            return count is { } wanted && rows.Count != wanted
                ? ReadReply.Failed(HomeReason.HomeUnavailable)
                : new ReadReply(HomeReason.Ok, [.. rows.Select(Wire.Row)]);
        }
        catch (RpcException e) when (e.StatusCode != StatusCode.Cancelled)
        {
            return ReadReply.Failed(ReasonOf(e) ?? HomeReason.HomeUnavailable);
        }
        catch (InvalidDataException e)
        {
            LogNoRow(node.Name, e.Message);
            return ReadReply.Failed(HomeReason.HomeUnavailable);
        }
    }

    private CallOptions Options(TimeSpan timeMax, CancellationToken cancellationToken) =>
        new(deadline: (time.GetUtcNow() + timeMax).UtcDateTime, cancellationToken: cancellationToken);

    private static WriteReply ReplyOf(HomeResult wire)
    {
        var reason = wire.Reason.Length == 0 ? HomeReason.Ok : NameOf(wire.Reason) ?? HomeReason.OutcomeUnknown;
        if (!RecordVersion.TryParse(wire.Result?.Version ?? "0", out var version))
            return WriteReply.Failed(HomeReason.OutcomeUnknown);
        var durability = wire.Result?.Durability;
        return new WriteReply(reason, version, wire.Result?.Repeated == true, durability is null
            ? Durability.None
            : new Durability(durability.Committed, durability.ZoneConfirmed, [.. durability.ConfirmedRegions]));
    }

    private static HomeReason? ReasonOf(RpcException e) =>
        RpcErrors.ReasonOf(e) is { } name ? NameOf(name) : null;

    private static HomeReason? NameOf(string reason)
    {
        foreach (var candidate in Enum.GetValues<HomeReason>())
            if (candidate != HomeReason.Ok && RpcErrors.ReasonOf(SyncErrors.ReasonOf(candidate)) == reason)
                return candidate;
        return null;
    }

    // grpc-dotnet opens the socket before it hands a call to HTTP: a bare SocketException is that opening's. What
    // breaks later comes within an IOException.
    private static bool WasNotSent(RpcException e) => e.Status.DebugException is SocketException or HttpRequestException
    {
        HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
            or HttpRequestError.SecureConnectionError,
    };

    [LoggerMessage(LogLevel.Warning, "Whether {Node} took a write is not known: {Status}")]
    private partial void LogUnknown(string node, StatusCode status, Exception? e);

    [LoggerMessage(LogLevel.Error, "{Node}'s answer is not taken: {Why}")]
    private partial void LogNoRow(string node, string why);
}
