using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using Lepton.Sync.Backup.Archive;
using Lepton.Sync.Backup.Sealed;
using Lepton.Sync.Backup.Store;
using Lepton.Sync.Backup.Wire;
using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Sync.Backup.Base;

/// <summary>Makes base backups over the replication protocol: the server may be anywhere.</summary>
internal sealed class BaseBackups(
    IBackupStore store, IBackupKey regionKey, LogArchiver archiver, LogArchive archive, BackupPlace place,
    IOptions<BackupOptions> options, IOptions<StorageOptions> storage, TimeProvider time)
{
    private const int ServerManifestBytesMax = 256 << 20;

    // How long the archive may take to come as far as the backup needs.
    private static readonly TimeSpan ArchivePatience = TimeSpan.FromMinutes(10);

    /// <summary>The id of a backup that begins now.</summary>
    public string NewId() => string.Create(
        CultureInfo.InvariantCulture,
        $"{time.GetUtcNow():yyyyMMdd't'HHmmss'z'}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}");

    /// <summary>
    /// Complete when it returns: the data folder, and the log that makes it consistent. When it throws, what it wrote
    /// is no backup and is deleted by the next <see cref="BackupCatalog.ForgetAsync"/>.
    /// </summary>
    /// <exception cref="BackupException">Not made.</exception>
    public async Task<BackupManifest> CreateAsync(string id, CancellationToken cancellationToken)
    {
        var prefix = BackupManifest.PrefixOf(place.Node, id);
        var connection = storage.Value.ReadConnection();
        var key = RandomNumberGenerator.GetBytes(SealedFormat.KeyBytes);
        var asked = await AskAsync(connection, cancellationToken);
        await using var link = await ReplicationLink.OpenAsync(
            connection, options.Value.SilenceMax, time, cancellationToken);
        var server = await ServerIdentity.ReadAsync(link, cancellationToken);
        var line = await WithArchiveAsync(
            token => archiver.WaitLineAsync(server.SystemId, server.Timeline, token), cancellationToken);

        List<BackupFile> files = [];
        BaseBackupSpan span = default;
        long plainBytes = 0;
        using MemoryStream serverManifest = new();
        files.Add(await PutAsync(prefix + BackupManifest.Archive, key, async (stream, token) =>
        {
            CountingStream counted = new(stream);
            span = await BaseBackupCommand.RunAsync(
                link, id, options.Value.BytesPerSecondMax, counted, new BoundedStream(
                    serverManifest, ServerManifestBytesMax, ServerManifestBytesMax), token);
            plainBytes = counted.Bytes;
        }, cancellationToken));
        ServerManifest.CheckOwn(ServerManifest.Read(serverManifest.ToArray()));
        files.Add(await PutAsync(prefix + BackupManifest.ServerManifest, key, async (stream, token) =>
            await stream.WriteAsync(serverManifest.ToArray(), token), cancellationToken));

        await CheckLogAsync(line, span, cancellationToken);
        var endTime = (await AskAsync(connection, cancellationToken)).Now;
        var name = prefix + BackupManifest.Document;
        BackupManifest manifest = new(
            place.Region, place.Node, id, server.SystemId, span.Timeline, span.Start.Value, span.End.Value, asked.Now,
            endTime, asked.Version, asked.Database, asked.Superuser, plainBytes, files,
            await regionKey.WrapAsync(key, SignedDocument.ContextOf(place.Region, name), cancellationToken));
        await SignedDocument.WriteAsync(store, name, manifest, key, cancellationToken);
        return manifest;
    }

    private async Task CheckLogAsync(OpenLine line, BaseBackupSpan span, CancellationToken cancellationToken)
    {
        if (span.Timeline != line.Line.Timeline)
            throw new BackupException(BackupFault.LogGap, "The server began another timeline while it was backed up.");
        await WithArchiveAsync(async token =>
        {
            await archiver.WaitSavedAsync(line, span.End, token);
            return line;
        }, cancellationToken);
        var pieces = await archive.PiecesAsync(line.Line.Prefix, cancellationToken);
        if (LogArchive.FindGap(pieces, line.Line.SegmentOf(span.Start), span.End) is { } gap)
            throw new BackupException(
                BackupFault.LogGap, $"The log that the backup needs has a gap from {PositionText.Of(gap.From)} to "
                + $"{PositionText.Of(gap.To)}; make another.");
    }

    private async Task<OpenLine> WithArchiveAsync(
        Func<CancellationToken, Task<OpenLine>> wait, CancellationToken cancellationToken)
    {
        using CancellationTokenSource patience = new(ArchivePatience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            return await wait(both.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BackupException(
                BackupFault.LogGap, "The log that the backup needs is not archived"
                + (archiver.State.Fault is { } why ? $": {why.Message}" : " in time."), e);
        }
    }

    private async Task<BackupFile> PutAsync(
        string name, byte[] key, Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
    {
        BackupFile? file = null;
        await store.PutAsync(name, async (stream, token) =>
        {
            await using SealingStream sealing = new(stream, key, name);
            await using (ZLibStream zip = new(sealing, CompressionLevel.Fastest, leaveOpen: true))
                await write(zip, token);
            var digest = await sealing.CompleteAsync(token);
            file = new BackupFile(name, sealing.SealedBytes, Convert.ToHexStringLower(digest));
        }, cancellationToken);
        return file ?? throw new InvalidOperationException("The store wrote nothing and did not say so.");
    }

    // The server's clock: that of its commits, and so of the times that a restore is asked for.
    private static async Task<ServerFacts> AskAsync(
        string connection, CancellationToken cancellationToken)
    {
        try
        {
            await using NpgsqlConnection sql = new(
                new NpgsqlConnectionStringBuilder(connection) { Pooling = false }.ConnectionString);
            await sql.OpenAsync(cancellationToken);
            await using NpgsqlCommand command = new(
                "SELECT clock_timestamp(), current_setting('server_version'), current_database()::text, "
                + "rolname::text FROM pg_roles WHERE oid = 10", sql);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            return new ServerFacts(
                new DateTimeOffset(reader.GetDateTime(0)), reader.GetString(1), reader.GetString(2),
                reader.GetString(3));
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            throw new BackupException(
                BackupFault.ServerUnavailable, $"The database server does not answer: {e.Message}", e);
        }
    }

    private sealed record ServerFacts(DateTimeOffset Now, string Version, string Database, string Superuser);

    private sealed class CountingStream(Stream inner) : WriteOnlyStream
    {
        public long Bytes { get; private set; }

        public override ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Bytes += buffer.Length;
            return inner.WriteAsync(buffer, cancellationToken);
        }
    }
}
