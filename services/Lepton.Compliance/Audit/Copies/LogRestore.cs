using Grpc.Core;
using Lepton.Compliance.Audit.Checks;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Audit.Copies;

/// <summary>
/// An empty log is a new one only when nobody knows of it: every peer is asked, and one that does not answer is waited
/// for, since two histories under one name could not be told apart. What was lost is taken back from the longest copy.
/// </summary>
internal sealed partial class LogRestore(
    PeerTable peers, LogWriter writer, HeadStore heads, LastHead lastHead, PersonKeys keys, LogName log,
    InstallationAuthority authority, IOptions<AuditOptions> options, ILogger<LogRestore> logger)
{
    /// <summary>Brings the empty log to what is known of it.</summary>
    /// <exception cref="LogUnavailableException">A peer does not answer.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        List<(PeerOptions.Peer Peer, GetKnownLogResponse Known)> known = [];
        foreach (var peer in peers.Others.Where(p => !options.Value.BeginWithout.Contains(p.Name)))
            known.Add((peer, await AskAsync(peer, cancellationToken)));
        var copies = known.Where(k => k.Known.CopySize > 0).OrderByDescending(k => k.Known.CopySize).ToArray();
        if (copies.Length > 0)
            await TakeAsync(copies[0].Peer, cancellationToken);
        // What was signed and is not in any copy is found by the check that follows: the log stays closed.
        foreach (var head in known.Select(k => k.Known.Head).Where(h => h is not null && h.Log == log.Value))
        {
            if (HeadSignatures.HeadFault(head, authority.Certificate) is { } fault)
            {
                LogNoHead(fault);
                continue;
            }
            await heads.SaveAsync(head, cancellationToken);
            if (lastHead.Read() is not { } last || last.Log != head.Log || last.Size < head.Size)
                lastHead.Write(head);
        }
    }

    private async Task<GetKnownLogResponse> AskAsync(PeerOptions.Peer peer, CancellationToken cancellationToken)
    {
        try
        {
            return await peers.Client(peer).GetKnownLogAsync(
                new GetKnownLogRequest { Log = log.Value }, deadline: peers.Deadline(),
                cancellationToken: cancellationToken);
        }
        catch (RpcException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LogUnavailableException(
                $"the log is empty, and whether {peer.Name} knows of an earlier one cannot be asked: {e.Status.Detail}",
                e);
        }
    }

    private async Task TakeAsync(PeerOptions.Peer peer, CancellationToken cancellationToken)
    {
        LogTaking(log.Value, peer.Name);
        using var call = peers.Client(peer).ReadCopy(
            new ReadCopyRequest { Log = log.Value, First = 1 }, cancellationToken: cancellationToken);
        try
        {
            await foreach (var part in call.ResponseStream.ReadAllAsync(cancellationToken))
            {
                keys.Import([.. part.Keys.Select(KeyCopies.Read).OfType<PersonKey>()]);
                if (part.LeafHashes.Length > 0)
                    await writer.RestoreLeavesAsync(part.LeafHashes.ToByteArray(), cancellationToken);
                List<StoredEntry> entries = [];
                foreach (var bytes in part.Entries)
                    entries.Add(Read(bytes.ToByteArray(), writer.Peaks.Size + entries.Count + 1));
                if (entries.Count > 0)
                    await writer.RestoreAsync(entries, cancellationToken);
            }
        }
        catch (RpcException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LogUnavailableException($"its copy at {peer.Name} cannot be read: {e.Status.Detail}", e);
        }
        LogTaken(log.Value, writer.Peaks.Size);
    }

    private static StoredEntry Read(byte[] bytes, long sequence)
    {
        var columns = EntryColumns.Of(bytes.AsSpan());
        return columns.Sequence == sequence
            ? new StoredEntry(columns, MerkleTree.HashLeaf(bytes), bytes)
            : throw new InvalidDataException($"The copy has entry {columns.Sequence} where {sequence} should be.");
    }

    [LoggerMessage(LogLevel.Warning, "The audit log {Log} is empty and taken back from its copy at {Peer}")]
    private partial void LogTaking(string log, string peer);

    [LoggerMessage(LogLevel.Warning, "The audit log {Log} was taken back: {Size} entries")]
    private partial void LogTaken(string log, long size);

    [LoggerMessage(LogLevel.Error, "A peer's word for the log's head is not taken: {Why}")]
    private partial void LogNoHead(string why);
}
