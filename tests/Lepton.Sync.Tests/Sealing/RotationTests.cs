using System.Text;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;

namespace Lepton.Sync.Tests.Sealing;

/// <summary>S7: after the stated days no copy of what was before an erasure opens with any key that there is.</summary>
public sealed class RotationTests : IDisposable
{
    private readonly SealingSite _site = new();

    public void Dispose() => _site.Dispose();

    [Fact]
    public async Task Rotate_BackupFromBeforeTheErasure_OpensWithNoCurrentKey()
    {
        using var run = await SealingRun.StartAsync(_site);
        var row = await run.SealAsync(
            FixedTopology.Blind, "canary-key", "canary-value of canary-subject"u8.ToArray(), "canary-subject");
        var bobs = await run.SealAsync(FixedTopology.Blind, "k", "kept"u8.ToArray(), "bob");
        var backup = SealingSite.ReadShared(_site.StoreFile);
        await run.Keys.EraseAsync(run.Sealer.DigestOf("acme", "canary-subject"), _site.Time.GetUtcNow(), default);

        // Before the old epoch is destroyed the backup still opens: this is what the days are for.
        Assert.Equal(OpenState.Opened, (await OpenBackupAsync(backup, row)).State);
        await run.Keys.RotateAsync(default);

        var refused = await Assert.ThrowsAsync<InvalidDataException>(() => OpenBackupAsync(backup, row));
        Assert.Contains("epoch 1, which is gone", refused.Message, StringComparison.Ordinal);
        Assert.Equal(OpenState.Erased, run.Sealer.Open(row).State);
        Assert.Equal("kept"u8, run.Sealer.Open(bobs).Value.Span);
        Assert.Single(run.Provider.Epochs);
        AssertNoCanary(_site.AllBytes());
        AssertNoCanary(row.Key.ToArray());
        AssertNoCanary(row.Body.ToArray());
        AssertNoCanary(backup);
        // Nor is the erased key's wrapped form left in any file.
        var keyItem = Wrapped(backup, row.KeyId);
        Assert.True(_site.AllBytes().AsSpan().IndexOf(keyItem) < 0);
        Assert.True(backup.AsSpan().IndexOf(keyItem) >= 0);
    }

    [Fact]
    public async Task RotateIfDue_AfterAnErasure_IsDoneWithinTheStatedDays()
    {
        using var run = await SealingRun.StartAsync(_site);
        var keep = await run.SealAsync(FixedTopology.Blind, "k", "kept"u8.ToArray(), "bob");
        await run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "ada", default);
        _site.Time.Advance(TimeSpan.FromDays(10));
        Assert.False(await run.Keys.RotateIfDueAsync(default));
        await run.Keys.EraseAsync(run.Sealer.DigestOf("acme", "ada"), _site.Time.GetUtcNow(), default);
        Assert.False(await run.Keys.RotateIfDueAsync(default));
        run.Dispose();

        _site.Time.Advance(TimeSpan.FromDays(3.5));
        using var again = await SealingRun.StartAsync(_site);
        Assert.True(await again.Keys.RotateIfDueAsync(default));
        Assert.False(await again.Keys.RotateIfDueAsync(default));

        Assert.Equal([new KeyEpoch(2)], again.Provider.Epochs.Select(e => e.Epoch));
        Assert.Equal(OpenState.Opened, again.Sealer.Open(keep).State);
        _site.Time.Advance(TimeSpan.FromDays(90));
        Assert.True(await again.Keys.RotateIfDueAsync(default));
        Assert.Equal(new KeyEpoch(3), again.Provider.CurrentEpoch);
    }

    [Fact]
    public async Task Rotate_CutBeforeTheFileIsWritten_IsCompletedLater()
    {
        CrashingKeyFile file = new();
        using (var run = await SealingRun.StartAsync(_site, file))
        {
            await run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "ada", default);
            await run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "bob", default);
            await run.Keys.EraseAsync(run.Sealer.DigestOf("acme", "bob"), _site.Time.GetUtcNow(), default);
            file.FailNextReplacement = true;
            await Assert.ThrowsAsync<KeyStoreUnavailableException>(() => run.Keys.RotateAsync(default));
            Assert.Equal(2, run.Provider.Epochs.Count);
            Assert.NotNull(run.Keys.UnrotatedSince);
        }

        using var again = await SealingRun.StartAsync(_site, file);
        Assert.Equal(1, again.Keys.LiveCount);
        Assert.False(await again.Keys.RotateIfDueAsync(default));

        Assert.Single(again.Provider.Epochs);
        Assert.Null(again.Keys.UnrotatedSince);
        again.Dispose();
        using var third = await SealingRun.StartAsync(_site, file);
        Assert.Equal(1, third.Keys.LiveCount);
    }

    [Fact]
    public async Task Rotate_WhileKeysAreMadeAndErased_LosesNoneAndKeepsNoErasedOne()
    {
        using var run = await SealingRun.StartAsync(_site);
        Random chance = new(42);
        List<Task> work = [];
        for (var i = 0; i < 120; i++)
        {
            var subject = $"s{chance.Next(40)}";
            work.Add((i % 10) switch
            {
                0 => run.Keys.RotateAsync(default),
                1 => run.Keys.EraseAsync(run.Sealer.DigestOf("acme", subject), _site.Time.GetUtcNow(), default),
                _ => run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", subject, default).AsTask(),
            });
            if (i % 7 == 0)
                await Task.Yield();
        }
        await Task.WhenAll(work);
        await run.Keys.RotateAsync(default);
        var (live, erased) = (run.Keys.LiveCount, run.Keys.ErasedCount);
        run.Dispose();

        using var again = await SealingRun.StartAsync(_site);
        Assert.Equal((live, erased), (again.Keys.LiveCount, again.Keys.ErasedCount));
        Assert.Single(again.Provider.Epochs);
    }

    [Fact]
    public async Task Zones_OfARegion_ShareTheDirectoryAndDestroyEpochsOfTheirOwn()
    {
        using var a = await SealingRun.StartAsync(_site, new CrashingKeyFile());
        using var b = await SealingRun.StartAsync(
            _site, new CrashingKeyFile(), topology: new FixedTopology("eu-west-b"));
        var row = await b.SealAsync(FixedTopology.Blind, "k", "kept"u8.ToArray(), "ada");

        await a.Keys.RotateAsync(default);
        await a.Keys.RotateAsync(default);

        Assert.Equal(new KeyEpoch(3), a.Provider.CurrentEpoch);
        Assert.Equal(new KeyEpoch(1), b.Provider.CurrentEpoch);
        using var again = await SealingRun.StartAsync(_site, b.File, topology: b.Topology);
        Assert.Equal(OpenState.Opened, again.Sealer.Open(row).State);
    }

    // A node that was restored: the old store file with every key that there is now.
    private async Task<OpenedRecord> OpenBackupAsync(byte[] store, StoredRecord row)
    {
        using var restored = await SealingRun.StartAsync(_site, new CrashingKeyFile(store));
        return restored.Sealer.Open(row);
    }

    private static byte[] Wrapped(byte[] store, KeyId id)
    {
        List<KeyItem> items = [];
        KeyFrames.Read(store, items);
        return items.OfType<KeyItem.Key>().Single(k => k.Id == id).Wrapped.Bytes;
    }

    private static void AssertNoCanary(byte[] bytes) =>
        Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes("canary")) < 0);
}
