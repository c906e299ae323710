using System.Globalization;
using Lepton.Sync.Backup.Archive;
using Lepton.Sync.Backup.Sealed;
using Lepton.Sync.Backup.Store;

namespace Lepton.Sync.Backup.Base;

/// <summary>What backups there are of a node, and which may go.</summary>
internal sealed class BackupCatalog(
    IBackupStore store, IBackupKey regionKey, LogArchive archive, BackupPlace place, TimeProvider time)
{
    /// <summary>The oldest first.</summary>
    public async Task<IReadOnlyList<KeptBackup>> ListAsync(string node, CancellationToken cancellationToken)
    {
        var prefix = $"{node}/base/";
        List<KeptBackup> backups = [];
        foreach (var group in (await store.ListAsync(prefix, cancellationToken))
            .GroupBy(o => o.Name[prefix.Length..].Split('/')[0]).OrderBy(g => g.Key, StringComparer.Ordinal))
            backups.Add(await ReadAsync(node, group.Key, [.. group], cancellationToken));
        return backups;
    }

    /// <exception cref="BackupException">NotFound: there is none of that id.</exception>
    public async Task<KeptBackup> GetAsync(string node, string id, CancellationToken cancellationToken)
    {
        if (id.Length is 0 or > 64 || !id.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
            throw new BackupException(BackupFault.NotFound, $"\"{id}\" is no id of a backup.");
        var objects = await store.ListAsync(BackupManifest.PrefixOf(node, id), cancellationToken);
        return objects.Count == 0
            ? throw new BackupException(BackupFault.NotFound, $"There is no backup {id} of {node}.")
            : await ReadAsync(node, id, objects, cancellationToken);
    }

    public async Task SaveAsync(
        BackupManifest manifest, Verification verification, ReadOnlyMemory<byte> key,
        CancellationToken cancellationToken)
    {
        var name = BackupManifest.PrefixOf(manifest.Node, manifest.Id) + Verification.Document;
        await SignedDocument.WriteAsync(
            store, name,
            verification with
            {
                WrappedKey = await regionKey.WrapAsync(
                    key, SignedDocument.ContextOf(place.Region, name), cancellationToken),
            },
            key, cancellationToken);
    }

    /// <summary>
    /// Deletes what may go: backups older than <paramref name="keep"/> while there is a newer good one, what a crash
    /// left unfinished (but not <paramref name="running"/>), and the log before the oldest that is left.
    /// </summary>
    /// <returns>How many backups.</returns>
    public async Task<int> ForgetAsync(TimeSpan keep, string? running, CancellationToken cancellationToken)
    {
        var backups = await ListAsync(place.Node, cancellationToken);
        var newest = backups.LastOrDefault(b => b.Manifest is not null);
        var before = time.GetUtcNow() - keep;
        List<KeptBackup> old =
        [
            .. backups.Where(b => b.Id != running && b != newest
                && (b.Manifest is { } manifest ? manifest.EndTime < before : b.Fault is null || MadeOf(b.Id) < before)),
        ];
        foreach (var backup in old)
            await DeleteAsync(backup.Id, cancellationToken);
        await ForgetLogAsync(
            [.. backups.Except(old).Select(b => b.Manifest).OfType<BackupManifest>()],
            isSparing: running is not null || backups.Except(old).Any(b => b.Fault is not null), cancellationToken);
        return old.Count;
    }

    /// <summary>Deletes the oldest complete backup, if there is a newer one, and the log before the next.</summary>
    /// <returns>Whether there was one.</returns>
    public async Task<bool> ForgetOldestAsync(CancellationToken cancellationToken)
    {
        List<KeptBackup> complete =
            [.. (await ListAsync(place.Node, cancellationToken)).Where(b => b.Manifest is not null)];
        if (complete.Count < 2)
            return false;
        await DeleteAsync(complete[0].Id, cancellationToken);
        await ForgetLogAsync(
            [.. complete.Skip(1).Select(b => b.Manifest).OfType<BackupManifest>()], isSparing: false,
            cancellationToken);
        return true;
    }

    public async Task DeleteAsync(string id, CancellationToken cancellationToken)
    {
        // The manifest first: what is deleted in part must not look complete.
        var prefix = BackupManifest.PrefixOf(place.Node, id);
        await store.DeleteAsync(prefix + BackupManifest.Document, cancellationToken);
        foreach (var left in await store.ListAsync(prefix, cancellationToken))
            await store.DeleteAsync(left.Name, cancellationToken);
    }

    private static DateTimeOffset MadeOf(string id) => DateTimeOffset.TryParseExact(
        id.Split('-')[0], "yyyyMMdd't'HHmmss'z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal,
        out var made)
        ? made
        : DateTimeOffset.MinValue;

    private async Task ForgetLogAsync(
        IReadOnlyList<BackupManifest> kept, bool isSparing, CancellationToken cancellationToken)
    {
        if (isSparing || kept.Count == 0)
            return; // what a backup that runs, or cannot be read now, will need is not known
        var newest = kept.Max(m => m.EndTime);
        foreach (var line in (await store.ListAsync($"{place.Node}/wal/", cancellationToken))
            .GroupBy(o => o.Name[..(o.Name.LastIndexOf('/') + 1)]))
        {
            var of = kept.Where(m => LogLine.PrefixOf(m.Node, m.SystemId, m.Timeline) == line.Key).ToList();
            List<LogPiece> pieces = [.. line.Select(o => LogPiece.Parse(o.Name, o.Bytes)).OfType<LogPiece>()];
            if (of.Count == 0)
            {
                // Of an earlier timeline, or of one so new that it has no backup yet: that one stays.
                if (pieces.Any(p => p.Time > newest) || pieces.Count == 0)
                    continue;
                foreach (var each in line)
                    await store.DeleteAsync(each.Name, cancellationToken);
                continue;
            }
            var (open, _) = await archive.OpenAsync(place.Node, of[0].SystemId, of[0].Timeline, cancellationToken);
            var start = of.Min(m => open.SegmentOf(m.StartPosition));
            foreach (var piece in pieces.Where(p => p.End <= start))
                await store.DeleteAsync(piece.Name, cancellationToken);
        }
    }

    private async Task<KeptBackup> ReadAsync(
        string node, string id, IReadOnlyList<StoredObject> objects, CancellationToken cancellationToken)
    {
        var prefix = BackupManifest.PrefixOf(node, id);
        var bytes = objects.Sum(o => o.Bytes);
        if (objects.All(o => o.Name != prefix + BackupManifest.Document))
            return new KeptBackup(id, null, default, null, null, bytes);
        try
        {
            var (manifest, key) = await SignedDocument.ReadAsync<BackupManifest>(
                store, prefix + BackupManifest.Document, place.Region, regionKey, cancellationToken);
            if (manifest.Id != id || manifest.Node != node)
                throw new BackupException(BackupFault.Damaged, $"{prefix} holds the backup of another.");
            foreach (var file in manifest.Files)
                if (objects.All(o => o.Name != file.Name || o.Bytes != file.Bytes))
                    throw new BackupException(BackupFault.Damaged, $"{file.Name} is not there, or not of its size.");
            return new KeptBackup(
                id, manifest, key, await VerificationAsync(prefix, objects, cancellationToken), null, bytes);
        }
        catch (BackupException e) when (e.Fault is BackupFault.Damaged or BackupFault.WrongRegion)
        {
            return new KeptBackup(id, null, default, null, e.Message, bytes);
        }
    }

    private async Task<Verification?> VerificationAsync(
        string prefix, IReadOnlyList<StoredObject> objects, CancellationToken cancellationToken)
    {
        var name = prefix + Verification.Document;
        if (objects.All(o => o.Name != name))
            return null;
        try
        {
            return (await SignedDocument.ReadAsync<Verification>(
                store, name, place.Region, regionKey, cancellationToken)).Document;
        }
        catch (BackupException e) when (e.Fault is BackupFault.Damaged or BackupFault.WrongRegion)
        {
            return null; // as if it had never been verified: it is verified again
        }
    }
}
