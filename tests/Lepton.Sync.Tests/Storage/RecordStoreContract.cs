using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using static Lepton.Sync.Tests.Storage.TestRecords;

namespace Lepton.Sync.Tests.Storage;

/// <summary>
/// What every <see cref="IRecordStore"/> does with a home's own writes and its reads (S1, S3, S4). The other half:
/// <see cref="AppliedChangesContract"/>.
/// </summary>
public abstract class RecordStoreContract : IAsyncLifetime
{
    private static readonly Guid Request = new("0190a000-0000-7000-8000-000000000001");

    private protected IRecordStore Store { get; private set; } = null!;

    public async Task InitializeAsync() => Store = await CreateAsync();

    public virtual Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task WriteAsync_NewKey_IsReadByteForByte()
    {
        StoredRecord written = Value("a", Version(5), new string('x', 5000), Request);

        HomeWriteResult result = await Store.PutAsync(written);

        Assert.Equal(new HomeWriteResult(HomeVerdict.Done, Version(5)), result);
        StoredRecord? read = await Store.FindAsync("a");
        Assert.True(written.IsSame(read));
        Assert.True(read!.IsIntact);
        Assert.Null(await Store.FindAsync("b"));
    }

    [Fact]
    public async Task ReadAsync_ManyKeys_AnswersInTheirOrder()
    {
        await Store.PutAsync(Value("a", Version(1)));
        await Store.PutAsync(Tombstone("c", Version(2)));
        await Store.PutAsync(Value("d", Version(3), recordClass: 4));

        IReadOnlyList<StoredRecord?> read = await Store.ReadAsync(
            Class, [Key("c"), Key("none"), Key("a"), Key("d"), Key("a")], default);

        Assert.Equal([2L, null, 1L, null, 1L], read.Select(r => r?.Version.Clock));
        Assert.Equal(RecordKind.Tombstone, read[0]!.Kind);
        Assert.Empty(await Store.ReadAsync(Class, [], default));
    }

    [Theory]
    [InlineData(null, 1, HomeVerdict.Done, 9)]
    [InlineData(5L, 1, HomeVerdict.Done, 9)]
    [InlineData(4L, 1, HomeVerdict.Conflict, 5)]
    [InlineData(5L, 2, HomeVerdict.Conflict, 5)]
    [InlineData(0L, 0, HomeVerdict.Conflict, 5)]
    public async Task WriteAsync_OverAValue_AsExpected(long? expected, long term, object verdict, long clock)
    {
        await Store.PutAsync(Value("a", Version(5)));

        HomeWriteResult result = await Store.PutAsync(
            Value("a", Version(9), "new"), expected is { } e ? new RecordVersion(term, e) : null);

        Assert.Equal(new HomeWriteResult((HomeVerdict)verdict, Version(clock)), result);
        Assert.Equal(clock, (await Store.FindAsync("a"))!.Version.Clock);
    }

    /// <summary>A tombstone is no value: of it a conflict tells no version.</summary>
    [Theory]
    [InlineData(null, HomeVerdict.Done)]
    [InlineData(0L, HomeVerdict.Done)]
    [InlineData(5L, HomeVerdict.Conflict)]
    public async Task WriteAsync_OverATombstone_AsOverNothing(long? expected, object verdict)
    {
        await Store.PutAsync(Tombstone("a", Version(5)));

        HomeWriteResult result = await Store.PutAsync(
            Value("a", Version(9)), expected is { } e ? e == 0 ? RecordVersion.None : Version(e) : null);

        Assert.Equal((HomeVerdict)verdict, result.Verdict);
        Assert.Equal(result.Verdict == HomeVerdict.Done ? Version(9) : RecordVersion.None, result.Version);
    }

    [Fact]
    public async Task WriteAsync_ExpectedWhereNothingIs_Conflicts()
    {
        Assert.Equal(
            new HomeWriteResult(HomeVerdict.Conflict, RecordVersion.None),
            await Store.PutAsync(Value("a", Version(9)), Version(5)));
        Assert.Null(await Store.FindAsync("a"));
    }

    [Theory]
    [InlineData(1, 5)]
    [InlineData(1, 4)]
    [InlineData(0, 9)]
    public async Task WriteAsync_NotNewerThanTheRow_Conflicts(long term, long clock)
    {
        await Store.PutAsync(Value("a", Version(5, 1)));
        await Store.PutAsync(Tombstone("b", Version(5, 1)));

        Assert.Equal(
            new HomeWriteResult(HomeVerdict.Conflict, Version(5, 1)),
            await Store.PutAsync(Value("a", Version(clock, term), "old")));
        Assert.Equal(
            new HomeWriteResult(HomeVerdict.Conflict, RecordVersion.None),
            await Store.PutAsync(Value("b", Version(clock, term), "old")));
        Assert.Equal(Version(5, 1), (await Store.FindAsync("a"))!.Version);
    }

    [Fact]
    public async Task WriteAsync_ARequestAgain_IsToldTheFirstVersion()
    {
        await Store.PutAsync(Value("a", Version(5), "first", Request));
        await Store.PutAsync(Value("a", Version(6), "later"));

        HomeWriteResult again = await Store.PutAsync(Value("a", Version(9), "first", Request), RecordVersion.None);

        Assert.Equal(new HomeWriteResult(HomeVerdict.Repeated, Version(5)), again);
        Assert.Equal(Version(6), (await Store.FindAsync("a"))!.Version);
    }

    /// <summary>Another tenant's, or another write's: an id counts for its key alone.</summary>
    [Fact]
    public async Task WriteAsync_ARequestOfAnotherKey_IsAWriteOfItsOwn()
    {
        await Store.PutAsync(Value("a", Version(5), request: Request));

        Assert.Equal(HomeVerdict.Done, (await Store.PutAsync(Value("b", Version(6), request: Request))).Verdict);
    }

    [Fact]
    public async Task WriteAsync_ARequestThatConflicted_MayBeTriedAgain()
    {
        await Store.PutAsync(Value("a", Version(5)));
        Assert.Equal(
            HomeVerdict.Conflict, (await Store.PutAsync(Value("a", Version(6), request: Request), Version(4))).Verdict);

        Assert.Equal(
            HomeVerdict.Done, (await Store.PutAsync(Value("a", Version(7), request: Request), Version(5))).Verdict);
    }

    [Fact]
    public async Task WriteAsync_ABatchOfAllKinds_EachForItself()
    {
        await Store.PutAsync(Value("known", Version(5), request: Request));
        await Store.PutAsync(Value("other", Version(6)));

        HomeCommit commit = await Store.WriteAsync(
        [
            new HomeWrite(Value("z", Version(10)), null),
            new HomeWrite(Value("other", Version(11)), Version(5)),
            new HomeWrite(Value("known", Version(12), request: Request), null),
            new HomeWrite(Tombstone("a", Version(13)), RecordVersion.None),
        ], default);

        Assert.Equal(
        [
            new HomeWriteResult(HomeVerdict.Done, Version(10)),
            new HomeWriteResult(HomeVerdict.Conflict, Version(6)),
            new HomeWriteResult(HomeVerdict.Repeated, Version(5)),
            new HomeWriteResult(HomeVerdict.Done, Version(13)),
        ], commit.Results);
        Assert.NotEqual(0u, commit.TransactionId);
        Assert.Equal(["a", "known", "other", "z"], await Store.KeysAsync(tombstones: true));
    }

    [Fact]
    public async Task WriteAsync_ManyAtOnceExpectingTheSame_OneIsDone()
    {
        await Store.PutAsync(Value("a", Version(1)));

        HomeWriteResult[] results = await Task.WhenAll(Enumerable.Range(2, 8).Select(
            clock => Store.PutAsync(Value("a", Version(clock)), Version(1))));

        HomeWriteResult done = Assert.Single(results, r => r.Verdict == HomeVerdict.Done);
        Assert.Equal(done.Version, (await Store.FindAsync("a"))!.Version);
        Assert.All(results.Where(r => r.Verdict == HomeVerdict.Conflict), r => Assert.Equal(done.Version, r.Version));
    }

    [Fact]
    public async Task WriteAsync_OneRequestManyTimesAtOnce_IsDoneOnce()
    {
        HomeWriteResult[] results = await Task.WhenAll(Enumerable.Range(1, 8).Select(
            clock => Store.PutAsync(Value("a", Version(clock), request: Request))));

        HomeWriteResult done = Assert.Single(results, r => r.Verdict == HomeVerdict.Done);
        Assert.Equal(7, results.Count(r => r == new HomeWriteResult(HomeVerdict.Repeated, done.Version)));
    }

    [Fact]
    public async Task ReadGreatestClockAsync_AfterWritesAndRefusals_IsAtLeastTheGreatest()
    {
        Assert.Equal(0, await Store.ReadGreatestClockAsync(default));
        await Store.PutAsync(Value("a", Version(70)));
        await Store.PutAsync(Value("b", Version(60)));

        Assert.Equal(70, await Store.ReadGreatestClockAsync(default));
        await Store.ApplyAsync(new(new NodeId(1), "t", new LogPosition(1)), [Value("c", Version(80, 2))], default);
        Assert.Equal(80, await Store.ReadGreatestClockAsync(default));
    }

    private protected abstract Task<IRecordStore> CreateAsync();
}
