using System.IO.Compression;
using System.Security.Cryptography;
using Lepton.Sync.Backup.Sealed;
using Lepton.Sync.Backup.Store;
using Lepton.Sync.Records;

namespace Lepton.Sync.Backup.Archive;

/// <summary>A line that is open: with its key.</summary>
internal sealed record OpenLine(LogLine Line, ReadOnlyMemory<byte> Key);

/// <summary>The archived log of nodes, in pieces: compressed, sealed, never changed after.</summary>
internal sealed class LogArchive(IBackupStore store, IBackupKey regionKey, BackupPlace place)
{
    private const string Document = "line.json";

    /// <summary>Deletes what a crash left unfinished.</summary>
    public Task TidyAsync(CancellationToken cancellationToken) => store.TidyAsync(cancellationToken);

    /// <summary>This node's line, made if it is new.</summary>
    public async Task<OpenLine> EnsureAsync(
        string systemId, uint timeline, int segmentBytes, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenAsync(place.Node, systemId, timeline, cancellationToken);
        }
        catch (BackupException e) when (e.Fault == BackupFault.NotFound)
        {
            var name = LogLine.PrefixOf(place.Node, systemId, timeline) + Document;
            var key = RandomNumberGenerator.GetBytes(SealedFormat.KeyBytes);
            var wrapped = await regionKey.WrapAsync(
                key, SignedDocument.ContextOf(place.Region, name), cancellationToken);
            LogLine line = new(place.Region, place.Node, systemId, timeline, segmentBytes, wrapped);
            await SignedDocument.WriteAsync(store, name, line, key, cancellationToken);
            return new OpenLine(line, key);
        }
    }

    /// <exception cref="BackupException">NotFound, WrongRegion, Damaged.</exception>
    public async Task<OpenLine> OpenAsync(
        string node, string systemId, uint timeline, CancellationToken cancellationToken)
    {
        var prefix = LogLine.PrefixOf(node, systemId, timeline);
        var (line, key) = await SignedDocument.ReadAsync<LogLine>(
            store, prefix + Document, place.Region, regionKey, cancellationToken);
        return line.Prefix == prefix
            ? new OpenLine(line, key)
            : throw new BackupException(BackupFault.Damaged, $"{prefix}{Document} is of another log.");
    }

    /// <summary>In the order of the log.</summary>
    public async Task<IReadOnlyList<LogPiece>> PiecesAsync(string prefix, CancellationToken cancellationToken) =>
        [.. (await store.ListAsync(prefix, cancellationToken)).Select(o => LogPiece.Parse(o.Name, o.Bytes))
            .OfType<LogPiece>()];

    /// <summary>Keeps a piece; durable when it returns.</summary>
    public async Task<LogPiece> SaveAsync(
        OpenLine line, LogPosition start, ReadOnlyMemory<byte> log, DateTimeOffset time,
        CancellationToken cancellationToken)
    {
        LogPosition end = new(start.Value + (ulong)log.Length);
        var name = LogPiece.NameOf(line.Line.Prefix, start, end, time);
        long bytes = 0;
        await store.PutAsync(
            name, async (stream, token) =>
            {
                await using SealingStream sealing = new(stream, line.Key.Span, name);
                await using (ZLibStream zip = new(sealing, CompressionLevel.Fastest, leaveOpen: true))
                    await zip.WriteAsync(log, token);
                await sealing.CompleteAsync(token);
                bytes = sealing.SealedBytes;
            }, cancellationToken);
        return new LogPiece(name, start, end, time, bytes);
    }

    /// <summary>A piece's log: as many bytes as its name says.</summary>
    /// <exception cref="BackupException">Damaged.</exception>
    public async Task<byte[]> ReadAsync(OpenLine line, LogPiece piece, CancellationToken cancellationToken)
    {
        var log = new byte[piece.End.Value - piece.Start.Value];
        await using OpeningStream opening = new(
            await store.OpenAsync(piece.Name, cancellationToken), line.Key, piece.Name);
        await using ZLibStream zip = new(opening, CompressionMode.Decompress);
        try
        {
            await zip.ReadExactlyAsync(log, cancellationToken);
            if (await zip.ReadAsync(new byte[1], cancellationToken) == 0
                && await opening.ReadAsync(new byte[1], cancellationToken) == 0)
                return log;
        }
        catch (Exception e) when (e is EndOfStreamException or InvalidDataException)
        {
            throw new BackupException(BackupFault.Damaged, $"{piece.Name} holds another part of the log.", e);
        }
        throw new BackupException(BackupFault.Damaged, $"{piece.Name} holds more than its part of the log.");
    }

    /// <summary>The first part of [from, to) that no piece holds.</summary>
    public static LogGap? FindGap(IReadOnlyList<LogPiece> pieces, LogPosition from, LogPosition to)
    {
        var covered = from;
        foreach (var piece in pieces.OrderBy(p => p.Start))
        {
            if (covered >= to)
                break;
            if (piece.Start > covered)
                return new LogGap(covered, piece.Start < to ? piece.Start : to);
            if (piece.End > covered)
                covered = piece.End;
        }
        return covered < to ? new LogGap(covered, to) : null;
    }
}
