using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using Lepton.Sync.Backup.Archive;
using Lepton.Sync.Backup.Base;
using Lepton.Sync.Backup.Sealed;
using Lepton.Sync.Backup.Store;

namespace Lepton.Sync.Backup.Restore;

/// <summary>From sealed objects to a data folder; every byte is checked on the way.</summary>
internal sealed class BackupUnpacker(IBackupStore store, LogArchive archive)
{
    private const UnixFileMode FolderMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode FileMode600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int ServerManifestBytesMax = 256 << 20;

    /// <summary>The base backup's files into a folder that is not there yet.</summary>
    /// <exception cref="BackupException">Damaged.</exception>
    public async Task UnpackAsync(
        BackupManifest manifest, ReadOnlyMemory<byte> key, string folder, CancellationToken cancellationToken)
    {
        var listed = await ReadServerManifestAsync(manifest, key, cancellationToken);
        Directory.CreateDirectory(folder, FolderMode);
        HashSet<string> found = [];
        await ReadAsync(manifest, key, BackupManifest.Archive, async (stream, token) =>
        {
            await using TarReader tar = new(stream, leaveOpen: true);
            while (await tar.GetNextEntryAsync(copyData: false, token) is { } entry)
                if (await TakeAsync(entry, folder, listed, token) is { } file)
                    found.Add(file);
        }, cancellationToken);
        if (listed.Keys.FirstOrDefault(path => !found.Contains(path)) is { } missing)
            throw new BackupException(BackupFault.Damaged, $"{missing} is not in the backup.");
    }

    /// <summary>A line's log from the backup's first file on into its <c>pg_wal</c>.</summary>
    /// <exception cref="BackupException">Damaged.</exception>
    public async Task UnpackLogAsync(
        OpenLine line, IReadOnlyList<LogPiece> pieces, BackupManifest manifest, string folder,
        CancellationToken cancellationToken)
    {
        var segmentBytes = (ulong)line.Line.SegmentBytes;
        var first = line.Line.SegmentOf(manifest.StartPosition).Value;
        foreach (var piece in pieces.Where(p => p.End.Value > first))
        {
            ReadOnlyMemory<byte> rest = await archive.ReadAsync(line, piece, cancellationToken);
            for (var at = piece.Start.Value; !rest.IsEmpty;)
            {
                var part = (int)Math.Min((ulong)rest.Length, segmentBytes - (at % segmentBytes));
                var path = Path.Combine(folder, "pg_wal", line.Line.SegmentName(at / segmentBytes));
                await using (FileStream file = new(path, new FileStreamOptions
                {
                    Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, UnixCreateMode = FileMode600,
                    Options = FileOptions.Asynchronous,
                }))
                {
                    if (file.Length < (long)segmentBytes)
                        file.SetLength((long)segmentBytes); // what is not there yet is zeros, as the server expects
                    file.Position = (long)(at % segmentBytes);
                    await file.WriteAsync(rest[..part], cancellationToken);
                }
                at += (ulong)part;
                rest = rest[part..];
            }
        }
    }

    private async Task<IReadOnlyDictionary<string, ServerFile>> ReadServerManifestAsync(
        BackupManifest manifest, ReadOnlyMemory<byte> key, CancellationToken cancellationToken)
    {
        using MemoryStream json = new();
        await ReadAsync(manifest, key, BackupManifest.ServerManifest, async (stream, token) =>
        {
            var buffer = new byte[64 << 10];
            for (int read; (read = await stream.ReadAsync(buffer, token)) > 0;)
            {
                json.Write(buffer, 0, read);
                if (json.Length > ServerManifestBytesMax)
                    throw new BackupException(BackupFault.Damaged, "The server's manifest is too long.");
            }
        }, cancellationToken);
        return ServerManifest.Read(json.ToArray());
    }

    private async Task ReadAsync(
        BackupManifest manifest, ReadOnlyMemory<byte> key, string part, Func<Stream, CancellationToken, Task> read,
        CancellationToken cancellationToken)
    {
        var name = BackupManifest.PrefixOf(manifest.Node, manifest.Id) + part;
        var listed = manifest.Files.FirstOrDefault(f => f.Name == name)
            ?? throw new BackupException(BackupFault.Damaged, $"The manifest lists no {part}.");
        await using OpeningStream opening = new(await store.OpenAsync(name, cancellationToken), key, name);
        try
        {
            await using (ZLibStream zip = new(opening, CompressionMode.Decompress, leaveOpen: true))
            {
                await read(zip, cancellationToken);
                await zip.CopyToAsync(Stream.Null, cancellationToken);
            }
            await opening.CopyToAsync(Stream.Null, cancellationToken);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new BackupException(BackupFault.Damaged, $"{name} cannot be unpacked: {e.Message}", e);
        }
        if (Convert.ToHexStringLower(opening.Sha256()) != listed.Sha256)
            throw new BackupException(BackupFault.Damaged, $"{name} has another SHA-256 than its manifest says.");
    }

    /// <returns>The file's path as the server lists it; null: a folder.</returns>
    private static async Task<string?> TakeAsync(
        TarEntry entry, string folder, IReadOnlyDictionary<string, ServerFile> listed,
        CancellationToken cancellationToken)
    {
        var relative = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
        var path = Path.GetFullPath(Path.Combine(folder, relative.TrimEnd('/')));
        if (path != folder && !path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            throw new BackupException(BackupFault.Damaged, $"The backup names {entry.Name}, outside its folder.");
        switch (entry.EntryType)
        {
            case TarEntryType.Directory:
                Directory.CreateDirectory(path, FolderMode);
                return null;
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile
                when listed.TryGetValue(relative, out var wanted):
                Directory.CreateDirectory(Path.GetDirectoryName(path) ?? folder, FolderMode);
                if (await WriteAsync(entry.DataStream, path, cancellationToken) != wanted)
                    throw new BackupException(BackupFault.Damaged, $"{relative} is not what the server sent.");
                return relative;
            default:
                throw new BackupException(
                    BackupFault.Damaged,
                    $"The backup holds {entry.Name} ({entry.EntryType}), which the server did not list.");
        }
    }

    private static async Task<ServerFile> WriteAsync(
        Stream? content, string path, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long bytes = 0;
        await using FileStream file = new(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = FileMode600,
            Options = FileOptions.Asynchronous,
        });
        var buffer = new byte[256 << 10];
        for (int read; content is not null && (read = await content.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            hash.AppendData(buffer, 0, read);
            bytes += read;
            await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }
        return new ServerFile(bytes, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }
}
