using Lepton.Sync.Backup;
using Npgsql;

namespace Lepton.Sync.Tests.Backup;

/// <summary>Issue 5, Backup: base backup, log and point in time, with real servers (P3).</summary>
[Collection("backup")]
[Trait("Category", "Long")] // with real servers: minutes
public sealed class RestoreTests(BackupServer server)
{
    [Fact]
    public async Task Restore_ToTheEnd_HoldsWhatWritersCommittedDuringAndAfterTheBackup()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        await test.PutAsync("before", 50);
        using CancellationTokenSource stop = new();
        var during = 0;
        var writer = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await test.PutAsync($"during{during:D4}-", 1, new string('x', 4000));
                during++;
            }
        });
        var manifest = await test.BackUpAsync();
        await stop.CancelAsync();
        await writer;
        await test.PutAsync("after", 50);
        await test.ArchiveAllAsync();

        uint timeline = 0;
        var keys = await test.RestoreAsync(look: restored =>
        {
            timeline = restored.Timeline;
            return Task.CompletedTask;
        });

        Assert.True(during > 0);
        Assert.Equal(100 + during, keys.Count);
        Assert.Equal(50, keys.Count(k => k.StartsWith("after", StringComparison.Ordinal)));
        Assert.Equal(manifest.Timeline + 1, timeline); // replicas see another log, not a continuation
    }

    [Fact]
    public async Task Restore_ToATime_HoldsWhatWasBeforeAndNothingAfter()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        await test.BackUpAsync();
        await test.PutAsync("before", 20);
        var moment = await test.ArchiveAllAsync();
        await test.PutAsync("after", 20);
        await test.ArchiveAllAsync();

        var keys = await test.RestoreAsync(moment);

        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"before{i:D4}"), keys);
    }

    [Fact]
    public async Task Restore_ToATimeAfterTheLastCommit_HoldsAll()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        await test.BackUpAsync();
        await test.PutAsync("row", 5);
        var moment = await test.ArchiveAllAsync();

        Assert.Equal(5, (await test.RestoreAsync(moment.AddDays(1))).Count);
    }

    [Fact]
    public async Task Restore_ToATimeBeforeTheFirstBackup_SaysTheEarliest()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        var manifest = await test.BackUpAsync();

        var fault = await Assert.ThrowsAsync<BackupException>(
            () => test.RestoreAsync(manifest.EndTime.AddSeconds(-1)));

        Assert.Equal(BackupFault.NotFound, fault.Fault);
        Assert.Contains(manifest.EndTime.ToString("O"), fault.Message);
    }

    [Fact]
    public async Task Archive_RestartedInBetween_HasNoGap()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        await test.BackUpAsync();
        await test.PutAsync("one", 5);
        await test.StopAsync();
        await test.PutAsync("two", 5); // the slot keeps it
        await test.RestartAsync();
        await test.PutAsync("three", 5);
        await test.ArchiveAllAsync();

        Assert.Equal(15, (await test.RestoreAsync()).Count);
    }

    [Fact]
    public async Task Archive_LogThatTheServerLost_IsAGapThatNoRestoreCrosses()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        await test.BackUpAsync();
        await test.PutAsync("one", 5);
        var moment = await test.ArchiveAllAsync();
        await test.PutAsync("archived", 1);
        await test.ArchiveAllAsync();
        await test.StopAsync();
        await LoseLogAsync(test.Options.Value.Slot);
        await test.PutAsync("lost", 5);
        await test.RestartAsync();
        await test.PutAsync("two", 5);
        await test.ArchiveAllAsync();

        var fault = await Assert.ThrowsAsync<BackupException>(() => test.RestoreAsync());
        Assert.Equal(BackupFault.LogGap, fault.Fault);
        Assert.Equal(5, (await test.RestoreAsync(moment)).Count); // before the gap

        await test.BackUpAsync();
        Assert.Equal(16, (await test.RestoreAsync()).Count); // a new base backup is whole
    }

    // Drops the slot and makes the server recycle the files that it kept.
    private async Task LoseLogAsync(string slot)
    {
        await using NpgsqlConnection sql = new(server.SuperConnection);
        await sql.OpenAsync();
        await using (NpgsqlCommand drop = new($"SELECT pg_drop_replication_slot('{slot}')", sql))
            await drop.ExecuteNonQueryAsync();
        for (var i = 0; i < 3; i++)
        {
            await using NpgsqlCommand write = new("SELECT pg_logical_emit_message(false, 'x', 'y')", sql);
            await write.ExecuteNonQueryAsync();
            await using NpgsqlCommand change = new("SELECT pg_switch_wal()", sql);
            await change.ExecuteNonQueryAsync();
            await using NpgsqlCommand checkpoint = new("CHECKPOINT", sql);
            await checkpoint.ExecuteNonQueryAsync();
        }
    }
}
