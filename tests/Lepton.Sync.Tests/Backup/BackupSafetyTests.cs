using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Lepton.Sync.Backup;
using Lepton.Sync.Backup.Base;
using Lepton.Sync.Backup.Restore;
using Lepton.Sync.Backup.Sealed;
using Lepton.Sync.Records;
using Lepton.Sync.Tests.Storage;

namespace Lepton.Sync.Tests.Backup;

/// <summary>What goes wrong with backups, and what must never be in one (S6, S7).</summary>
[Collection("backup")]
[Trait("Category", "Long")] // with real servers: minutes
public sealed class BackupSafetyTests(BackupServer server)
{
    [Fact]
    public async Task Backup_HoldsRecordsAndNoDataKey_AndNothingInClear()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        // A node's key store lies beside its database; its keys are used for what is written.
        var keys = Directory.CreateDirectory(Path.Combine(test.Folder, "keys")).FullName;
        var dataKey = RandomNumberGenerator.GetBytes(32);
        await File.WriteAllBytesAsync(Path.Combine(keys, "subject"), dataKey);
        var canary = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        var nonce = RandomNumberGenerator.GetBytes(12);
        var body = new byte[canary.Length];
        using (AesGcm aes = new(dataKey, 16))
            aes.Encrypt(nonce, Encoding.ASCII.GetBytes(canary), body, new byte[16]);
        await test.Storage.Store.PutAsync(TestRecords.Make(
            TestRecords.Value("subject", TestRecords.Version(1)) with { Body = body }));
        var manifest = await test.BackUpAsync();
        await test.Storage.Store.PutAsync(TestRecords.Make(
            TestRecords.Value("subject2", TestRecords.Version(2)) with { Body = body }));
        await test.ArchiveAllAsync();

        var opened = await OpenAllAsync(test, manifest);

        Assert.All(opened, o => Assert.NotEmpty(o));
        Assert.Contains(opened, o => o.AsSpan().IndexOf(body) >= 0); // what is looked for would be found
        Assert.DoesNotContain(opened, o => o.AsSpan().IndexOf(dataKey) >= 0);
        Assert.DoesNotContain(opened, o => o.AsSpan().IndexOf(Encoding.ASCII.GetBytes(canary)) >= 0);
        foreach (var file in Directory.EnumerateFiles(
            test.Options.Value.Directory, "*", SearchOption.AllDirectories))
        {
            var bytes = await File.ReadAllBytesAsync(file);
            Assert.True(bytes.AsSpan().IndexOf(body) < 0 && bytes.AsSpan().IndexOf("subject"u8) < 0, file);
        }
    }

    [Fact]
    public void CheckOwn_WhatIsNotPostgreSqls_IsRefused()
    {
        Dictionary<string, ServerFile> files = new()
        {
            ["base/1/1259"] = default, ["global/pg_control"] = default, ["keys/subject"] = default,
        };

        var fault = Assert.Throws<BackupException>(() => ServerManifest.CheckOwn(files));

        Assert.Equal(BackupFault.ForeignFiles, fault.Fault);
        Assert.Contains("keys/subject", fault.Message);
    }

    [Fact]
    public async Task Create_KilledInTheMiddle_LeavesNoBackupAndIsTidied()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        var good = await test.BackUpAsync();
        test.Store.BeforeEnd = name => name.EndsWith(BackupManifest.ServerManifest, StringComparison.Ordinal)
            ? throw new IOException("as if the process had been killed")
            : Task.CompletedTask;
        await Assert.ThrowsAsync<BackupException>(test.BackUpAsync);
        // What a kill leaves that no code of ours runs after.
        var kept = await test.Catalog.ListAsync(test.Place.Node, CancellationToken.None);
        var broken = Assert.Single(kept, b => b.Manifest is null);
        var part = Path.Combine(test.Options.Value.Directory, test.Place.Node, "base", broken.Id, "base.tar.part");
        await File.WriteAllBytesAsync(part, new byte[1000]);
        test.Store.BeforeEnd = _ => Task.CompletedTask;

        Assert.Equal(good.Id, (await Restored(test)).Manifest.Id);
        await test.RestartAsync();
        await test.ArchiveAllAsync();
        Assert.False(File.Exists(part));
        Assert.Equal(1, await test.Catalog.ForgetAsync(TimeSpan.FromDays(7), null, CancellationToken.None));
        Assert.Equal(good.Id, Assert.Single(await test.Catalog.ListAsync(test.Place.Node, CancellationToken.None)).Id);
        await test.BackUpAsync();
    }

    [Theory]
    [InlineData("base.tar")]
    [InlineData("server-manifest.json")]
    [InlineData("manifest.json")]
    [InlineData("wal")]
    public async Task Restore_OfWhatWasChanged_IsRefused(string what)
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        var manifest = await test.BackUpAsync();
        await test.PutAsync("row", 3);
        await test.ArchiveAllAsync();
        await test.StopAsync();
        var root = Path.Combine(test.Options.Value.Directory, test.Place.Node);
        var file = what == "wal"
            ? Directory.EnumerateFiles(Path.Combine(root, "wal"), "*.wal", SearchOption.AllDirectories).Max()!
            : Path.Combine(root, "base", manifest.Id, what);
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);

        var fault = await Assert.ThrowsAsync<BackupException>(() => test.RestoreAsync());

        Assert.Contains(fault.Fault, (BackupFault[])[BackupFault.Damaged, BackupFault.WrongRegion]);
    }

    [Fact]
    public async Task Restore_WithoutAPieceOfTheLog_NamesTheGap()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        await test.BackUpAsync();
        for (var i = 0; i < 3; i++)
        {
            await test.PutAsync($"row{i}-", 3);
            await test.ArchiveAllAsync();
        }
        await test.StopAsync();
        var line = test.Archiver.State.Line!.Line;
        var pieces = await test.Archive.PiecesAsync(line.Prefix, CancellationToken.None);
        await test.Store.DeleteAsync(pieces[^2].Name, CancellationToken.None);

        var fault = await Assert.ThrowsAsync<BackupException>(() => test.RestoreAsync());

        Assert.Equal(BackupFault.LogGap, fault.Fault);
        Assert.Contains($"{pieces[^2].Start.Value >> 32:X}/{pieces[^2].Start.Value & uint.MaxValue:X}", fault.Message);
    }

    [Fact]
    public async Task Restore_InAnotherRegion_IsRefused()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        await test.BackUpAsync();
        await test.StopAsync();
        // The whole folder and even the secret went to another region.
        BackupPlace elsewhere = new("us-east", "us-east-a");
        Lepton.Sync.Backup.Archive.LogArchive archive = new(test.Store, test.Key, elsewhere);
        BackupCatalog catalog = new(test.Store, test.Key, archive, elsewhere, TimeProvider.System);
        Restorer restorer = new(
            catalog, archive, new BackupUnpacker(test.Store, archive), test.Options, TimeProvider.System);

        var fault = await Assert.ThrowsAsync<BackupException>(() => restorer.RestoreAsync(
            new RestorePoint(test.Place.Node, null, null), Path.Combine(test.Folder, "away"), CancellationToken.None));

        Assert.Contains("us-east", fault.Message);
        Assert.Contains("eu-west", fault.Message);
        Assert.False(Directory.Exists(Path.Combine(test.Folder, "away")));
    }

    [Fact]
    public async Task Unwrap_WithAnotherRegionsSecret_IsRefused()
    {
        var folder = Directory.CreateTempSubdirectory("lepton-backup-").FullName;
        SecretFileBackupKey Secret(string name)
        {
            var file = Path.Combine(folder, name);
            File.WriteAllText(file, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
            return new SecretFileBackupKey(file);
        }
        var (own, other) = (Secret("own"), Secret("other"));
        var wrapped = await own.WrapAsync(new byte[32], "eu-west:x", CancellationToken.None);

        Assert.Equal(new byte[32], await own.UnwrapAsync(wrapped, "eu-west:x", CancellationToken.None));
        foreach (var (key, context) in new[] { (other, "eu-west:x"), (own, "eu-west:y") })
            Assert.Equal(
                BackupFault.WrongRegion,
                (await Assert.ThrowsAsync<BackupException>(
                    async () => await key.UnwrapAsync(wrapped, context, CancellationToken.None))).Fault);
        Directory.Delete(folder, recursive: true);
    }

    private static async Task<Restored> Restored(TestBackup test)
    {
        Restored? seen = null;
        await test.RestoreAsync(look: restored =>
        {
            seen = restored;
            return Task.CompletedTask;
        });
        return seen!;
    }

    /// <summary>Everything that the region's key opens.</summary>
    private static async Task<List<byte[]>> OpenAllAsync(TestBackup test, BackupManifest manifest)
    {
        var kept = await test.Catalog.GetAsync(test.Place.Node, manifest.Id, CancellationToken.None);
        List<byte[]> opened = [];
        foreach (var file in manifest.Files)
        {
            await using OpeningStream opening = new(
                await test.Store.OpenAsync(file.Name, CancellationToken.None), kept.Key, file.Name);
            await using ZLibStream zip = new(opening, CompressionMode.Decompress);
            using MemoryStream plain = new();
            await zip.CopyToAsync(plain);
            opened.Add(plain.ToArray());
        }
        var line = test.Archiver.State.Line!;
        foreach (var piece in await test.Archive.PiecesAsync(line.Line.Prefix, CancellationToken.None))
            opened.Add(await test.Archive.ReadAsync(line, piece, CancellationToken.None));
        return opened;
    }
}
