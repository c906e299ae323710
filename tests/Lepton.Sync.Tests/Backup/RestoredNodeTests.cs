using Lepton.Sync.Backup;
using Lepton.Sync.Backup.Restore;
using Lepton.Sync.Tests.Storage;
using Lepton.Testing;
using Npgsql;

namespace Lepton.Sync.Tests.Backup;

/// <summary>From a backup to a node's server that runs again, and through crashes of a server (P3).</summary>
[Collection("backup")]
[Trait("Category", "Long")] // with real servers: minutes
public sealed class RestoredNodeTests(BackupServer server)
{
    [Fact]
    public async Task Restore_IntoAFolder_IsStartedByTheSupervisorAndBackedUpAgain()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        await test.BackUpAsync();
        await test.PutAsync("row", 5);
        await test.ArchiveAllAsync();
        var target = Path.Combine(test.Folder, "pg");

        var report = await new FolderRestore(test.Restorer).RestoreAsync(
            new RestorePoint(test.Place.Node, null, null), target, CancellationToken.None);

        PostgresServer restored = new("sync", replicates: true, target);
        await restored.InitializeAsync();
        try
        {
            // The role's database on the old server is one of the restored server's, under the supervisor's password.
            NpgsqlConnectionStringBuilder connection = new(restored.OwnConnection)
            {
                Database = new NpgsqlConnectionStringBuilder(test.Connection).Database,
            };
            await using var again = await TestBackup.CreateAsync(connection.ConnectionString);
            Assert.NotNull(await again.Storage.Store.FindAsync("row0004"));
            await again.Storage.Store.PutAsync(TestRecords.Value("new", TestRecords.Version(9)));
            var manifest = await again.BackUpAsync();
            Assert.Equal(report.Timeline, manifest.Timeline);
            Assert.Equal(test.Archiver.State.Line!.Line.SystemId, manifest.SystemId);
            Assert.Equal(6, (await again.RestoreAsync()).Count);
        }
        finally
        {
            await restored.DisposeAsync();
        }
    }

    [Fact]
    public async Task Restore_IntoAFolderWithADatabase_IsRefusedAndChangesNothing()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        await test.BackUpAsync();
        var target = Path.Combine(test.Folder, "pg");
        Directory.CreateDirectory(Path.Combine(target, "pgdata"));

        var fault = await Assert.ThrowsAsync<BackupException>(() => new FolderRestore(test.Restorer).RestoreAsync(
            new RestorePoint(test.Place.Node, null, null), target, CancellationToken.None));

        Assert.Equal(BackupFault.Invalid, fault.Fault);
        Assert.Equal(["pgdata"], Directory.EnumerateFileSystemEntries(target).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Archive_ThroughACrashOfTheServer_HoldsEveryAcknowledgedWrite()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        await test.BackUpAsync();
        using CancellationTokenSource stop = new();
        List<string> acknowledged = [];
        var writer = Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
                try
                {
                    await test.Storage.Store.PutAsync(TestRecords.Value($"row{i:D5}", TestRecords.Version(i + 1)));
                    acknowledged.Add($"row{i:D5}");
                }
                catch (Exception e) when (e is Sync.Storage.DatabaseUnavailableException
                    or Sync.Storage.DatabaseOutcomeUnknownException)
                {
                    await Task.Delay(20);
                }
        });
        await server.CrashAsync();
        using CancellationTokenSource patience = new(TestBackup.Patience);
        for (var before = acknowledged.Count; acknowledged.Count < before + 20;)
            await Task.Delay(20, patience.Token);
        await stop.CancelAsync();
        await writer;
        await test.ArchiveAllAsync();

        var keys = await test.RestoreAsync();

        Assert.Empty(acknowledged.Except(keys));
    }

    [Fact]
    public async Task Archive_OfAServerThatStops_IsSavedToTheEndAtOnce()
    {
        BackupServer own = new();
        await own.InitializeAsync();
        var folder = Directory.CreateTempSubdirectory("lepton-backup-").FullName;
        var test = await TestBackup.CreateAsync(
            await own.CreateDatabaseAsync(), folder: folder, configure: o => o.SaveInterval = TimeSpan.FromMinutes(10));
        await test.BackUpAsync();
        await test.PutAsync("row", 5);
        ulong end;
        await using (NpgsqlConnection sql = new(test.Connection))
        {
            await sql.OpenAsync();
            await using NpgsqlCommand command = new("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::int8", sql);
            end = (ulong)(long)(await command.ExecuteScalarAsync() ?? 0L);
        }

        await own.DisposeAsync();

        Assert.True(test.Archiver.State.SavedTo.Value > end); // the server's last word, its checkpoint, is there too
        await test.StopAsync();
        Assert.Equal(5, (await test.RestoreAsync()).Count);
        await test.Storage.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Verify_OfAGoodBackup_ReadsEveryRecordAndLeavesNothing()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        await test.PutAsync("row", 7);
        var manifest = await test.BackUpAsync();

        var finding = await test.Verifier.VerifyAsync(manifest.Id, CancellationToken.None);

        Assert.True(finding.Good, finding.Message);
        Assert.Equal(7, finding.Records);
        Assert.Empty(Directory.EnumerateDirectories(test.Folder, "lepton-verify-*"));
        var kept = await test.Catalog.GetAsync(test.Place.Node, manifest.Id, CancellationToken.None);
        Assert.Equal(finding.Time, kept.Verification?.Time);
    }

    [Fact]
    public async Task Verify_OfABackupWithADamagedRecord_CountsIt()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        await test.PutAsync("row", 3);
        await using (NpgsqlConnection sql = new(test.Connection))
        {
            await sql.OpenAsync();
            await using NpgsqlCommand spoil = new(
                "UPDATE records SET body = 'other' WHERE key = convert_to('row0001', 'UTF8')", sql);
            Assert.Equal(1, await spoil.ExecuteNonQueryAsync());
        }
        var manifest = await test.BackUpAsync();

        var finding = await test.Verifier.VerifyAsync(manifest.Id, CancellationToken.None);

        Assert.False(finding.Good);
        Assert.Equal((3, 1), (finding.Records, finding.Damaged));
    }

    [Fact]
    public async Task Runner_OnItsOwn_MakesABackupAndVerifiesIt()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        await test.PutAsync("row", 2);
        BackupJobs jobs = new(TimeProvider.System);
        using var runner = test.Runner(jobs);
        await runner.StartAsync(CancellationToken.None);
        BackupReady health = new(runner, test.Archiver, test.Options, TimeProvider.System);
        using CancellationTokenSource patience = new(TestBackup.Patience);
        while (jobs.All.Count(j => j.State == BackupJobState.Done) < 2 && !jobs.All.Any(
            j => j.State == BackupJobState.Failed))
            await Task.Delay(100, patience.Token);
        await runner.LookAsync(CancellationToken.None);
        await runner.StopAsync(CancellationToken.None);

        Assert.All(jobs.All, j => Assert.Equal("", j.Fault));
        Assert.Equal([BackupJobKind.Create, BackupJobKind.Verify], jobs.All.Select(j => j.Kind));
        Assert.Equal(2, runner.Status.LastFinding?.Records);
        Assert.Equal(
            Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy,
            (await health.CheckHealthAsync(new())).Status);
        Assert.DoesNotContain(BackupJobKind.Create, jobs.All.Skip(2).Select(j => j.Kind)); // nothing more is due
    }

    [Fact]
    public async Task RestoreCommand_WithItsArguments_RestoresAndSaysWhat()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        await test.BackUpAsync();
        await test.StopAsync();
        var target = Path.Combine(test.Folder, "pg");
        string[] place =
        [
            "backup", "restore", "--Lepton:Region", "eu-west", "--Sync:Backup:Directory", test.Options.Value.Directory,
            "--Sync:Backup:SecretFile", test.Options.Value.SecretFile, "--Sync:Backup:ToolsDirectory",
            test.Options.Value.ToolsDirectory,
        ];

        Assert.True(RestoreCommand.IsMeant(place));
        Assert.Equal(2, await RestoreCommand.RunAsync(place));
        Assert.Equal(2, await RestoreCommand.RunAsync([.. place, "--to", target, "--time", "soon"]));
        Assert.Equal(1, await RestoreCommand.RunAsync([.. place, "--to", target, "--time", "2001-01-01"]));
        Assert.False(Directory.Exists(Path.Combine(target, "pgdata")));
        Assert.Equal(0, await RestoreCommand.RunAsync([.. place, "--to", target]));
        Assert.True(File.Exists(Path.Combine(target, "pgdata", "PG_VERSION")));
        Assert.False(File.Exists(Path.Combine(target, "pgdata", "recovery.signal")));
    }
}
