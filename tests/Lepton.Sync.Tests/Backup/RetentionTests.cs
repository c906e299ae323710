using Lepton.Sync.Backup;

namespace Lepton.Sync.Tests.Backup;

/// <summary>What is kept, for how long, and in how much room.</summary>
[Collection("backup")]
[Trait("Category", "Long")] // with real servers: minutes
public sealed class RetentionTests(BackupServer server)
{
    [Fact]
    public async Task Forget_OlderThanKept_GoesWithItsLogAndTheNewestStays()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        var first = await test.BackUpAsync();
        await test.PutAsync("row", 3);
        var second = await test.BackUpAsync();
        await test.ArchiveAllAsync();
        var line = test.Archiver.State.Line!.Line;

        Assert.Equal(0, await test.Catalog.ForgetAsync(TimeSpan.FromDays(7), null, CancellationToken.None));
        test.Time.Advance(TimeSpan.FromDays(8));
        Assert.Equal(1, await test.Catalog.ForgetAsync(TimeSpan.FromDays(7), null, CancellationToken.None));

        var left = Assert.Single(await test.Catalog.ListAsync(test.Place.Node, CancellationToken.None));
        Assert.Equal(second.Id, left.Id);
        var pieces = await test.Archive.PiecesAsync(line.Prefix, CancellationToken.None);
        Assert.All(pieces, p => Assert.True(p.End > line.SegmentOf(second.StartPosition)));
        Assert.DoesNotContain(pieces, p => p.Start <= first.StartPosition && line.SegmentOf(first.StartPosition)
            < line.SegmentOf(second.StartPosition));
        Assert.Equal(3, (await test.RestoreAsync()).Count);
    }

    [Fact]
    public async Task Put_BeyondTheBound_IsRefusedAndNothingIsLeft()
    {
        await using var test = await TestBackup.CreateAsync(
            await server.CreateDatabaseAsync(), configure: o => o.BytesMax = 1 << 20);

        var fault = await Assert.ThrowsAsync<BackupException>(test.BackUpAsync);

        Assert.Equal(BackupFault.StoreFull, fault.Fault);
        Assert.Contains("Sync:Backup:BytesMax", fault.Message);
        Assert.DoesNotContain(
            await test.Store.ListAsync("", CancellationToken.None), o => o.Name.Contains("/base/"));
    }

    [Fact]
    public async Task Archive_OfAStoreThatTakesNothing_GivesUpTheSlotBeyondItsBound()
    {
        await using var test = await TestBackup.CreateAsync(
            await server.CreateDatabaseAsync(), configure: o => o.ServerLogBytesMax = 1 << 20);
        await test.BackUpAsync();
        test.Store.BeforeEnd = _ => throw new IOException("no more");
        await test.PutAsync("much", 200, new string('x', 20_000));
        using CancellationTokenSource patience = new(TestBackup.Patience);
        while (await SlotsAsync(test) > 0)
            await Task.Delay(100, patience.Token);
        Assert.Equal(BackupFault.StoreUnavailable, test.Archiver.State.Fault?.Fault);

        test.Store.BeforeEnd = _ => Task.CompletedTask; // it takes again: as much as the server still has, or a gap
        await test.ArchiveAllAsync();
        await test.BackUpAsync();
        Assert.Equal(200, (await test.RestoreAsync()).Count);
    }

    private static async Task<long> SlotsAsync(TestBackup test)
    {
        await using Npgsql.NpgsqlConnection sql = new(test.Connection);
        await sql.OpenAsync();
        await using Npgsql.NpgsqlCommand command = new(
            "SELECT count(*) FROM pg_replication_slots WHERE slot_name = $1", sql)
        {
            Parameters = { new() { Value = test.Options.Value.Slot } },
        };
        return (long)(await command.ExecuteScalarAsync() ?? 0L);
    }
}
