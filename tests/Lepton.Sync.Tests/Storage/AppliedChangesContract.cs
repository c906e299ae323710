using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using static Lepton.Sync.Tests.Storage.TestRecords;

namespace Lepton.Sync.Tests.Storage;

/// <summary>
/// What every <see cref="IRecordStore"/> does with other homes' changes, scans and collections (S3, S4).
/// </summary>
public abstract class AppliedChangesContract : IAsyncLifetime
{
    private static readonly NodeId Source = new(2);
    private static readonly Guid Request = new("0190a000-0000-7000-8000-000000000002");
    private static readonly KeyId SomeKey = new(new Guid("aaaaaaaa-0000-0000-0000-000000000001"));
    private static readonly KeyId OtherKey = new(new Guid("aaaaaaaa-0000-0000-0000-000000000002"));

    private protected IRecordStore Store { get; private set; } = null!;

    public async Task InitializeAsync() => Store = await CreateAsync();

    public virtual Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task ApplyAsync_ABatch_KeepsTheNewestOfEachKey()
    {
        await Store.PutAsync(Value("a", Version(5, 2)));

        await ApplyAsync(10, Value("b", Version(1)), Value("a", Version(9)), Value("b", Version(3), "newest"),
            Value("b", Version(2)), Value("c", Version(4)));

        Assert.Equal(Version(5, 2), (await Store.FindAsync("a"))!.Version);
        Assert.True(Value("b", Version(3), "newest").IsSame(await Store.FindAsync("b")));
        Assert.Equal(["a", "b", "c"], await Store.KeysAsync());
    }

    [Fact]
    public async Task ApplyAsync_AgainAndLaterTerms_TheGreaterVersionStays()
    {
        await ApplyAsync(10, Value("a", Version(7)));
        await ApplyAsync(10, Value("a", Version(7), "not the same"));
        await ApplyAsync(11, Value("a", Version(3, 2), "later term"));
        await ApplyAsync(12, Value("a", Version(8)));

        Assert.True(Value("a", Version(3, 2), "later term").IsSame(await Store.FindAsync("a")));
    }

    /// <summary>P3: a client that repeats its write at the promoted replica is told that it was written.</summary>
    [Fact]
    public async Task ApplyAsync_WithARequest_TheRetryHereIsRecognised()
    {
        await ApplyAsync(10, Value("a", Version(1), request: Request), Value("a", Version(2)));

        Assert.Equal(
            new HomeWriteResult(HomeVerdict.Repeated, Version(1)),
            await Store.PutAsync(Value("a", Version(1, 2), request: Request)));
    }

    [Fact]
    public async Task ApplyAsync_Progress_NeverGoesBackInATimeline()
    {
        await ApplyAsync(10);
        await ApplyAsync(4);
        await Store.ApplyAsync(new SourceProgress(new NodeId(1), "u", new LogPosition(1UL << 63)), [], default);
        Assert.Equal(
        [
            new SourceProgress(new NodeId(1), "u", new LogPosition(1UL << 63)),
            new SourceProgress(Source, "t", new LogPosition(10)),
        ], await Store.ReadProgressAsync(default));

        await Store.ApplyAsync(new SourceProgress(Source, "restored", new LogPosition(3)), [], default);

        Assert.Equal(
            new SourceProgress(Source, "restored", new LogPosition(3)), (await Store.ReadProgressAsync(default))[1]);
    }

    [Fact]
    public async Task ScanAsync_PrefixPlaceAndLimit_InTheOrderOfKeys()
    {
        foreach (string key in (string[])["t/b", "t/a", "t/aa", "t", "u/a", "t/\u00ff", "s/z"])
            await Store.PutAsync(Value(key, Version(1)));
        await Store.PutAsync(Tombstone("t/c", Version(1)));

        Assert.Equal(["t/a", "t/aa", "t/b", "t/\u00ff"], await Store.KeysAsync("t/"));
        Assert.Equal(["t/a", "t/aa", "t/b", "t/c", "t/\u00ff"], await Store.KeysAsync("t/", tombstones: true));
        Assert.Equal(["t/aa", "t/b"], await Store.KeysAsync("t/", after: "t/a", limit: 2));
        Assert.Equal(["s/z", "t", "t/a"], await Store.KeysAsync(limit: 3));
        Assert.Empty(await Store.KeysAsync("v"));
    }

    [Fact]
    public async Task ScanAsync_PrefixOfHighBytes_IsBoundedRight()
    {
        byte[][] keys = [[0xfe], [0xfe, 0xff], [0xfe, 0xff, 0xff], [0xff], [0xff, 0x00], [0xff, 0xff]];
        foreach (byte[] key in keys)
            await Store.PutAsync(Make(Value("", Version(1)) with { Key = key }));

        Assert.Equal([keys[1], keys[2]], await ScanAsync([0xfe, 0xff]));
        Assert.Equal([keys[3], keys[4], keys[5]], await ScanAsync([0xff]));

        async Task<byte[][]> ScanAsync(byte[] prefix) => [.. (await Store.ScanAsync(
            new ScanRange(Class, null, prefix, default, false), 10, default)).Select(r => r.Key.ToArray())];
    }

    [Theory]
    [InlineData(2)]
    [InlineData(200)]
    public async Task ScanAsync_SomeSlots_OnlyTheirs(int slots)
    {
        for (short i = 0; i < 20; i++)
            await Store.PutAsync(Value($"k{(i * 7) % 20:00}", Version(1), slot: (short)(i % 4)));
        SlotId[] wanted = [new(1), new(3), .. Enumerable.Range(100, slots - 2).Select(s => new SlotId((short)s))];

        string[] all = await Store.KeysAsync(slots: wanted);

        Assert.Equal(10, all.Length);
        Assert.Equal(all.Order(StringComparer.Ordinal), all);
        Assert.Equal(all[3..7], await Store.KeysAsync(after: all[2], limit: 4, slots: wanted));
        Assert.Empty(await Store.KeysAsync(slots: []));
    }

    [Fact]
    public async Task ReadSealedAsync_PageByPage_AllValuesOfTheKeysOnce()
    {
        KeyId[] keyIds = [SomeKey, OtherKey, default];
        for (int i = 0; i < 9; i++)
            await Store.PutAsync(Value($"k{i}", Version(1), keyId: keyIds[i % 3]));
        await Store.PutAsync(Tombstone("gone", Version(1)));

        List<string> found = [];
        StoredRecord? after = null;
        IReadOnlyList<StoredRecord> page;
        do
        {
            page = await Store.ReadSealedAsync([SomeKey, OtherKey], after, 2, default);
            found.AddRange(page.Select(r => System.Text.Encoding.UTF8.GetString(r.Key.Span)));
            after = page.Count > 0 ? page[^1] : after;
        }
        while (page.Count == 2);

        Assert.Equal(["k0", "k1", "k3", "k4", "k6", "k7"], found.Order(StringComparer.Ordinal));
        Assert.Equal(3, (await Store.ReadSealedAsync([SomeKey], null, 10, default)).Count);
    }

    [Fact]
    public async Task DropTombstonesAsync_OldOnesOfTheSlots_AndNoMoreThanAsked()
    {
        for (int i = 0; i < 6; i++)
            await Store.PutAsync(Tombstone($"t{i}", Version(10 + i), slot: (short)(i % 2)));
        await Store.PutAsync(Value("v", Version(1), slot: 0));

        Assert.Equal(1, await Store.DropTombstonesAsync(Class, [new(0)], before: 14, limit: 1, default));
        Assert.Equal(1, await Store.DropTombstonesAsync(Class, [new(0)], before: 14, limit: 10, default));
        Assert.Equal(0, await Store.DropTombstonesAsync(Class, [new(0)], before: 14, limit: 10, default));

        Assert.Equal(["t1", "t3", "t4", "t5", "v"], await Store.KeysAsync(tombstones: true));
    }

    /// <summary>P3: what a lost home had alone is kept apart, not lost, and its writers may write it again.</summary>
    [Fact]
    public async Task ReplaceSlotAsync_AfterAPromotion_IsAsTheNewHomeSays()
    {
        await Store.PutAsync(Value("both", Version(1)));
        await Store.PutAsync(Value("only here", Version(2), request: Request));
        await Store.PutAsync(Value("newer here", Version(1), "seen", Guid.NewGuid()));
        await Store.PutAsync(Value("newer here", Version(3), "unseen", Request));
        await Store.PutAsync(Value("newer there", Version(4)));
        await Store.PutAsync(Value("another slot", Version(5), slot: 1));

        int stranded = await Store.ReplaceSlotAsync(Class, Slot,
        [
            Value("both", Version(1)),
            Value("newer here", Version(1), "seen"),
            Value("newer there", Version(1, 2), "theirs"),
            Value("only there", Version(2, 2)),
        ], default);

        Assert.Equal(2, stranded);
        Assert.Equal(
            ["another slot", "both", "newer here", "newer there", "only there"], await Store.KeysAsync());
        Assert.True(Value("newer here", Version(1), "seen").IsSame(await Store.FindAsync("newer here")));
        Assert.Equal(Version(1, 2), (await Store.FindAsync("newer there"))!.Version);
        // Their requests are not known any more: a retry is a write.
        Assert.Equal(
            HomeVerdict.Done, (await Store.PutAsync(Value("only here", Version(9, 3), request: Request))).Verdict);
        Assert.Equal(
            HomeVerdict.Done, (await Store.PutAsync(Value("newer here", Version(9, 3), request: Request))).Verdict);
        Assert.Equal(["newer here", "only here"], await StrandedAsync());
    }

    [Fact]
    public async Task ReplaceSlotAsync_ByNothing_StrandsAll()
    {
        await Store.PutAsync(Value("a", Version(1)));

        Assert.Equal(1, await Store.ReplaceSlotAsync(Class, Slot, [], default));
        Assert.Empty(await Store.KeysAsync(tombstones: true));
    }

    /// <summary>A tombstone of what the new home does not know is no write that somebody misses.</summary>
    [Fact]
    public async Task ReplaceSlotAsync_Tombstones_AreStrandedOnlyOverARecord()
    {
        await Store.PutAsync(Tombstone("collected there", Version(1)));
        await Store.PutAsync(Tombstone("alive there", Version(2)));

        Assert.Equal(1, await Store.ReplaceSlotAsync(Class, Slot, [Value("alive there", Version(1))], default));

        Assert.Equal(["alive there"], await Store.KeysAsync(tombstones: true));
        Assert.Equal(["alive there"], await StrandedAsync());
    }

    /// <summary>S4: a batch that comes after a later one brings back nothing that is collected.</summary>
    [Fact]
    public async Task ApplyAsync_ALateBatch_ChangesNothing()
    {
        StoredRecord old = Value("a", Version(1), request: Request);
        await ApplyAsync(10, old);
        await ApplyAsync(20, Tombstone("a", Version(2)));
        Assert.Equal(1, await Store.DropTombstonesAsync(Class, [Slot], before: 3, limit: 10, default));

        await ApplyAsync(10, old, Value("b", Version(1), request: Request));

        Assert.Empty(await Store.KeysAsync(tombstones: true));
        Assert.Equal(HomeVerdict.Done, (await Store.PutAsync(Value("b", Version(9), request: Request))).Verdict);
        // On another timeline positions count anew; and at the same place a transaction may still come in pieces.
        await Store.ApplyAsync(
            new SourceProgress(Source, "u", new LogPosition(5)), [Value("c", Version(1))], default);
        await Store.ApplyAsync(
            new SourceProgress(Source, "u", new LogPosition(5)), [Value("d", Version(1))], default);
        Assert.Equal(["b", "c", "d"], await Store.KeysAsync());
    }

    private protected abstract Task<IRecordStore> CreateAsync();

    /// <summary>The keys of the stranded writes, in order.</summary>
    private protected abstract Task<string[]> StrandedAsync();

    private Task ApplyAsync(ulong position, params StoredRecord[] records) =>
        Store.ApplyAsync(new SourceProgress(Source, "t", new LogPosition(position)), records, default);
}
