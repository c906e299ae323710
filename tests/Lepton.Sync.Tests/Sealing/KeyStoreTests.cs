using Lepton.Sync.Files;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;

namespace Lepton.Sync.Tests.Sealing;

/// <summary>S7: a key that was handed out is there after any crash, one that was erased is not, anywhere.</summary>
public sealed class KeyStoreTests : IDisposable
{
    private readonly SealingSite _site = new();

    public void Dispose() => _site.Dispose();

    [Fact]
    public async Task ForWrite_SameSubjectAtOnce_MakesOneKeyInOneWrite()
    {
        CrashingKeyFile file = new();
        using var run = await SealingRun.StartAsync(_site, file);

        var keys = await Task.WhenAll(Enumerable.Range(0, 200).Select(i =>
            run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", $"subject-{i % 4}", default).AsTask()));

        Assert.Equal(4, keys.Select(k => k.Id).Distinct().Count());
        Assert.InRange(file.Appends, 1, 4);
        var otherClass = await run.Keys.ForWriteAsync(FixedTopology.Clear, "acme", "subject-0", default);
        var otherTenant = await run.Keys.ForWriteAsync(FixedTopology.Blind, "globex", "subject-0", default);
        Assert.DoesNotContain(keys, k => k.Id == otherClass.Id || k.Id == otherTenant.Id);
    }

    [Fact]
    public async Task Load_AfterARestart_HasTheSameKeysAndANewOneOfNobodys()
    {
        DataKey ada, nobody;
        byte[] bytes;
        using (var first = await SealingRun.StartAsync(_site))
        {
            ada = await first.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "ada", default);
            nobody = await first.Keys.ForWriteAsync(FixedTopology.Blind, "acme", null, default);
            bytes = nobody.Key.ToArray();
        }

        using var second = await SealingRun.StartAsync(_site);

        Assert.Equal(ada.Id, (await second.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "ada", default)).Id);
        Assert.NotEqual(nobody.Id, (await second.Keys.ForWriteAsync(FixedTopology.Blind, "acme", null, default)).Id);
        var found = second.Keys.Find(nobody.Id);
        Assert.Equal(KeyState.Live, found.State);
        Assert.Equal(bytes, found.Key!.Key.ToArray());
        Assert.Equal(_site.Time.GetUtcNow(), found.Key.CreateTime);
        Assert.Null(found.Key.Subject);
    }

    [Fact]
    public async Task Load_FileCutAtEveryByte_HasEveryKeyThatWasWholeOrRefuses()
    {
        CrashingKeyFile file = new();
        List<(int End, KeyId Id)> made = [];
        int first;
        using (var run = await SealingRun.StartAsync(_site, file))
        {
            first = file.Bytes.Length;
            for (var i = 0; i < 4; i++)
            {
                var key = await run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", $"s{i}", default);
                made.Add((file.Bytes.Length, key.Id));
            }
        }

        var whole = file.Bytes;
        for (var cut = 1; cut <= whole.Length; cut++)
        {
            CrashingKeyFile torn = new(whole[..cut]);
            if (cut < first) // this part came by a rename: it is never torn, so it is damaged
            {
                await Assert.ThrowsAsync<InvalidDataException>(() => SealingRun.StartAsync(_site, torn));
                continue;
            }
            using var run = await SealingRun.StartAsync(_site, torn);
            Assert.All(made, m => Assert.Equal(
                m.End <= cut ? KeyState.Live : KeyState.Unknown, run.Keys.Find(m.Id).State));
            await run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "after", default);
            using var again = await SealingRun.StartAsync(_site, new CrashingKeyFile(torn.Bytes));
            Assert.Equal(run.Keys.LiveCount, again.Keys.LiveCount);
        }
    }

    [Fact]
    public async Task Load_TailOfZeros_IsTornAndABitFlippedBeforeTheLastWriteIsDamage()
    {
        CrashingKeyFile file = new();
        int beforeLast;
        using (var run = await SealingRun.StartAsync(_site, file))
        {
            await run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "s1", default);
            beforeLast = file.Bytes.Length;
            await run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "s2", default);
        }

        using (var padded = await SealingRun.StartAsync(
            _site, new CrashingKeyFile([.. file.Bytes[..beforeLast], .. new byte[5000]])))
            Assert.Equal(1, padded.Keys.LiveCount);
        for (var i = 0; i < beforeLast; i++)
        {
            var bytes = (byte[])file.Bytes.Clone();
            bytes[i] ^= 0x10;
            var fault = await Assert.ThrowsAsync<InvalidDataException>(
                () => SealingRun.StartAsync(_site, new CrashingKeyFile(bytes)));
            Assert.Contains("Sync:Keys:StoreDirectory", fault.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ForWrite_DiskFullInTheMiddle_FailsAndTheNextIsWhole()
    {
        CrashingKeyFile file = new();
        using var run = await SealingRun.StartAsync(_site, file);
        var ada = await run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "ada", default);
        file.CutNextAppendAt = 30;

        await Assert.ThrowsAsync<KeyStoreUnavailableException>(
            () => run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "bob", default).AsTask());
        var bob = await run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "bob", default);

        using var again = await SealingRun.StartAsync(_site, new CrashingKeyFile(file.Bytes));
        Assert.Equal(2, again.Keys.LiveCount);
        Assert.All(new[] { ada, bob }, k => Assert.Equal(KeyState.Live, again.Keys.Find(k.Id).State));
    }

    [Fact]
    public async Task Erase_DiskFails_IsRepeatedToItsEndAndGoneFromMemoryAtOnce()
    {
        CrashingKeyFile file = new();
        using var run = await SealingRun.StartAsync(_site, file);
        var ada = await run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "ada", default);
        var subject = run.Sealer.DigestOf("acme", "ada");
        file.FailNextReplacement = true;

        await Assert.ThrowsAsync<KeyStoreUnavailableException>(
            () => run.Keys.EraseAsync(subject, _site.Time.GetUtcNow(), default));
        var inMemory = run.Keys.Find(ada.Id).State;
        // Killed here, the key is back: the order, which is durable, is applied again.
        using (var killed = await SealingRun.StartAsync(_site, new CrashingKeyFile(file.Bytes)))
            Assert.Equal([ada.Id], await killed.Keys.EraseAsync(subject, _site.Time.GetUtcNow(), default));
        var ids = await run.Keys.EraseAsync(subject, _site.Time.GetUtcNow(), default);

        Assert.Equal(KeyState.Erased, inMemory);
        Assert.Equal([ada.Id], ids);
        using var again = await SealingRun.StartAsync(_site, new CrashingKeyFile(file.Bytes));
        Assert.Equal((KeyState.Erased, 0), (again.Keys.Find(ada.Id).State, again.Keys.LiveCount));
        Assert.NotNull(again.Keys.UnrotatedSince);
    }

    [Fact]
    public async Task Erase_Repeated_ReturnsTheSameKeysAlsoAfterARestart()
    {
        using var run = await SealingRun.StartAsync(_site);
        await run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "ada", default);
        await run.Keys.ForWriteAsync(FixedTopology.Clear, "acme", "ada", default);
        var bob = await run.Keys.ForWriteAsync(FixedTopology.Clear, "acme", "bob", default);
        var subject = run.Sealer.DigestOf("acme", "ada");
        Assert.Equal(2, run.Keys.OfSubject(subject).Count);

        var first = await run.Keys.EraseAsync(subject, _site.Time.GetUtcNow(), default);
        var second = await run.Keys.EraseAsync(subject, _site.Time.GetUtcNow(), default);
        run.Dispose();
        using var again = await SealingRun.StartAsync(_site);

        Assert.Equal(2, first.Count);
        Assert.Equal(first, second);
        Assert.Equal(first, await again.Keys.EraseAsync(subject, _site.Time.GetUtcNow(), default));
        Assert.Empty(again.Keys.OfSubject(subject));
        Assert.Equal(KeyState.Live, again.Keys.Find(bob.Id).State);
    }

    [Fact]
    public async Task Add_ErasedKeysAndThoseMadeBeforeTheOrder_AreNeverTaken()
    {
        using SealingSite other = new("us-east", _site.BlindingKeyFile);
        using var source = await SealingRun.StartAsync(other);
        using var run = await SealingRun.StartAsync(_site);
        var marked = await source.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "bob", default);
        var old = await source.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "ada", default);
        await run.Keys.MarkErasedAsync([marked.Id], default);
        _site.Time.Advance(TimeSpan.FromSeconds(1));
        await run.Keys.EraseAsync(run.Sealer.DigestOf("acme", "ada"), _site.Time.GetUtcNow(), default);
        other.Time.Advance(TimeSpan.FromSeconds(2));
        var after = await source.Keys.ForWriteAsync(FixedTopology.Clear, "acme", "ada", default);

        await run.Keys.AddAsync([marked, old, after, after], default);
        await run.Keys.AddAsync([marked, old, after], default);

        Assert.Equal(KeyState.Erased, run.Keys.Find(marked.Id).State);
        Assert.Equal(KeyState.Erased, run.Keys.Find(old.Id).State);
        Assert.Equal(KeyState.Live, run.Keys.Find(after.Id).State);
        run.Dispose();
        using var again = await SealingRun.StartAsync(_site);
        await again.Keys.AddAsync([marked, old], default);
        Assert.Equal((1, 2), (again.Keys.LiveCount, again.Keys.ErasedCount));
        // Another node's key opens here, and new records of ours have one of our own.
        Assert.NotEqual(after.Id, (await again.Keys.ForWriteAsync(FixedTopology.Clear, "acme", "ada", default)).Id);
    }

    [Fact]
    public async Task ForWrite_AsManyKeysAsTheNodeHolds_IsRefusedByName()
    {
        _site.KeysMax = 100;
        using var run = await SealingRun.StartAsync(_site, new CrashingKeyFile());
        for (var i = 0; i < 100; i++)
            await run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", $"s{i}", default);

        var fault = await Assert.ThrowsAsync<KeyStoreFullException>(
            () => run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "one more", default).AsTask());

        Assert.Contains("Sync:Keys:KeysMax", fault.Message, StringComparison.Ordinal);
        await run.Keys.EraseAsync(run.Sealer.DigestOf("acme", "s1"), _site.Time.GetUtcNow(), default);
        await run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "one more", default);
    }

    /// <summary>
    /// Killed after the new file was written whole and before it got its name, or while it was written.
    /// </summary>
    [Theory]
    [InlineData(1.0)]
    [InlineData(0.5)]
    [InlineData(0.0)]
    public async Task Load_KilledBetweenWriteAndRename_HasTheFormerFileAndLeavesNothing(double written)
    {
        KeyId id;
        using (var run = await SealingRun.StartAsync(_site))
            id = (await run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "ada", default)).Id;
        var next = SealingSite.ReadShared(_site.StoreFile);
        File.WriteAllBytes(_site.StoreFile + ".new", next[..(int)(next.Length * written)]);
        var epoch = Directory.GetFiles(_site.Keys.ProviderDirectory, "*.kek", SearchOption.AllDirectories).Single();
        File.WriteAllBytes(epoch.Replace("000001", "000002", StringComparison.Ordinal) + ".new", next);

        using var again = await SealingRun.StartAsync(_site);

        Assert.Equal(KeyState.Live, again.Keys.Find(id).State);
        Assert.Single(again.Provider.Epochs);
        Assert.Empty(Directory.GetFiles(_site.Folder, "*.new", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Load_AnotherNodesStoreOrSecretOrProcess_IsRefused()
    {
        using (var run = await SealingRun.StartAsync(_site))
        {
            await run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "ada", default);
            Assert.Throws<IOException>(() => new KeyFile(_site.Keys.StoreDirectory));
        }

        await Assert.ThrowsAsync<InvalidDataException>(
            () => SealingRun.StartAsync(_site, topology: new FixedTopology("us-east")));
        File.Delete(_site.SecretFile);
        _site.Secret("region.secret");
        var fault = await Assert.ThrowsAsync<InvalidDataException>(() => SealingRun.StartAsync(_site));
        Assert.Contains("Sync:Keys:SecretFile", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_EverySecret_IsItsOwnersAlone()
    {
        using var run = await SealingRun.StartAsync(_site);
        await run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", "ada", default);
        await run.Keys.RotateAsync(default);

        Assert.All(Directory.GetFiles(_site.Folder, "*", SearchOption.AllDirectories).Where(f => !f.EndsWith(".lock")),
            f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f)));
        File.SetUnixFileMode(_site.SecretFile, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.Throws<InvalidDataException>(() => SecretFile.Read("Sync:Keys:SecretFile", _site.SecretFile));
    }
}
