using Google.Protobuf;
using Grpc.Core;
using Lepton.Compliance.Audit.Checks;
using Lepton.Compliance.Audit.Copies;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Audit.Tree;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Audit.Witnesses;

/// <summary>
/// Fetches every other log's head, verifies that it continues all that was seen of it, keeps it, and hands its
/// countersignature back. A head that does not is an alarm for good: somebody rewrote that log.
/// </summary>
internal sealed partial class WitnessWorker(
    PeerTable peers, WitnessedHeads witnessed, HeadSigner signer, InstallationAuthority authority, Alarms alarms,
    AuditMetrics metrics, IOptions<AuditOptions> options, TimeProvider time, ILogger<WitnessWorker> logger)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(options.Value.WitnessInterval, time);
        do
        {
            await Task.WhenAll(peers.Others.Select(peer => WatchAsync(peer, stoppingToken)));
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task WatchAsync(PeerOptions.Peer peer, CancellationToken stoppingToken)
    {
        try
        {
            await LookAsync(peer, stoppingToken);
        }
        catch (RpcException e) when (!stoppingToken.IsCancellationRequested)
        {
            LogNotReached(peer.Name, e.Status.Detail);
        }
        catch (Exception e) when (e is LogUnavailableException or InvalidDataException or IOException)
        {
            LogNotReached(peer.Name, e.Message);
        }
    }

    /// <summary>One look at a peer's log.</summary>
    internal async Task LookAsync(PeerOptions.Peer peer, CancellationToken cancellationToken)
    {
        var seen = await witnessed.LatestOfAsync(peer.Name, cancellationToken);
        var answer = await AskAsync(peer, seen?.Size ?? 0, cancellationToken);
        if (answer?.Head is not { } head)
            return;
        if (!PeerTable.IsOf(head.Log, peer.Name) || HeadSignatures.HeadFault(head, authority.Certificate) is { } fault)
        {
            alarms.Raise(peer.Name, "head", $"a head that is not its own, or not signed by it, at {head.Size}");
            return;
        }
        if (seen is not null && seen.Log != head.Log)
            seen = null; // a later generation: a log of its own
        if (seen is not null && head.Size <= seen.Size && head.Root.Equals(seen.Root))
        {
            if (head.Size == seen.Size)
                await HandAsync(peer, head, cancellationToken);
            return;
        }
        var proof = answer.Consistency.Select(h => h.ToByteArray()).ToArray();
        if (seen is not null && (head.Size < seen.Size || !MerkleTree.VerifyConsistency(
            (long)seen.Size, seen.Root.Span, (long)head.Size, head.Root.Span, proof)))
        {
            alarms.Raise(head.Log, "history",
                $"its head at {head.Size} does not continue the one that was seen at {seen.Size}: it was rewritten");
            return;
        }
        await witnessed.SaveAsync(head, signer.Witness(head), cancellationToken);
        metrics.Witnessed.Add(1);
        await HandAsync(peer, head, cancellationToken);
    }

    // A log that no longer reaches what was seen of it says so by an error; its head is asked for without a proof then.
    private async Task<GetOwnHeadResponse?> AskAsync(
        PeerOptions.Peer peer, ulong known, CancellationToken cancellationToken)
    {
        try
        {
            return await peers.Client(peer).GetOwnHeadAsync(new GetOwnHeadRequest { KnownSize = known },
                deadline: peers.Deadline(), cancellationToken: cancellationToken);
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.InvalidArgument && known > 0)
        {
            return await peers.Client(peer).GetOwnHeadAsync(new GetOwnHeadRequest(),
                deadline: peers.Deadline(), cancellationToken: cancellationToken);
        }
    }

    private async Task HandAsync(PeerOptions.Peer peer, TreeHead head, CancellationToken cancellationToken)
    {
        var word = signer.Witness(head);
        if (head.Witnesses.Any(w => w.Witness == word.Witness))
            return;
        await peers.Client(peer).AddWitnessAsync(
            new AddWitnessRequest { Log = head.Log, Size = head.Size, Witness = word },
            deadline: peers.Deadline(), cancellationToken: cancellationToken);
    }

    [LoggerMessage(LogLevel.Information, "The audit log of {Peer} could not be witnessed: {Why}")]
    private partial void LogNotReached(string peer, string why);
}
